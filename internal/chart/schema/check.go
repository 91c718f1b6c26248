package schema

import (
	"bytes"
	"fmt"

	"helm.sh/helm/v4/pkg/chart/common/util"
	"helm.sh/helm/v4/pkg/chart/v2/loader"
	chartutil "helm.sh/helm/v4/pkg/chart/v2/util"

	"github.com/fairlead-cd/fairlead/internal/model"
	"github.com/fairlead-cd/fairlead/internal/render/helm"
)

// check validates the chart's own values, alone and with each further file, as Helm would: with the
// values of its subcharts beneath.
func (g *generator) check(text []byte, extra []File) (refused []string, err error) {
	for _, e := range append([]File{{Name: valuesFile}}, extra...) {
		given, err := loader.LoadValues(bytes.NewReader(e.Data))
		if err != nil {
			return nil, &model.Error{Kind: model.ErrInvalid, Reason: "InvalidValues", File: e.Name, Msg: "values must be a map", Err: err}
		}
		c, err := helm.LoadFiles(g.files) // anew: Helm renames and drops dependencies in it
		if err != nil {
			return nil, err
		}
		if err := chartutil.ProcessDependencies(c, given); err != nil {
			return nil, fmt.Errorf("merging the values of %s: %w", e.Name, err)
		}
		values, err := util.CoalesceValues(c, given)
		if err != nil {
			return nil, fmt.Errorf("merging the values of %s: %w", e.Name, err)
		}
		violations, err := helm.Violations(text, values)
		if err != nil {
			return nil, err
		}
		for _, v := range violations {
			refused = append(refused, e.Name+": "+v)
		}
	}
	return refused, nil
}
