package helm

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"strings"

	"helm.sh/helm/v4/pkg/chart/v2/loader"
	"helm.sh/helm/v4/pkg/strvals"

	"github.com/fairlead-cd/fairlead/internal/model"
	"github.com/fairlead-cd/fairlead/internal/render/manifest"
)

// assign does to the values what a flag of Helm's command line does (helm.sh/helm/v4/pkg/cli/values,
// MergeValues).
func assign(into map[string]any, l model.ValuesLayer, hide *mask) error {
	if l.Sensitive {
		hide.scalar(l.Set.Value)
		for _, text := range l.Set.Files {
			hide.scalar(text)
		}
	}
	err := parseSet(into, l.Set)
	if err == nil {
		return nil
	}
	e := &model.Error{Kind: model.ErrInvalid, Reason: "InvalidValues", Msg: origin(l) + ": it cannot be set"}
	switch {
	case strings.Contains(err.Error(), "interface conversion"):
		// The parser's panic, recovered by itself: the syntax is right, the values below it are others.
		e.Msg += ": what it goes into has another type in the values below"
		e.Next = "compare the name with the values files and with values.yaml"
	case !l.Sensitive:
		e.Msg += ": " + manifest.OneLine(err.Error())
	}
	return e
}

func parseSet(into map[string]any, p *model.Parameter) error {
	switch p.Form {
	case model.FormSet:
		return strvals.ParseInto(p.Value, into)
	case model.FormString:
		return strvals.ParseIntoString(p.Value, into)
	case model.FormLiteral:
		return strvals.ParseLiteralInto(p.Value, into)
	case model.FormFile:
		return strvals.ParseIntoFile(p.Value, into, func(path []rune) (any, error) {
			text, ok := p.Files[string(path)]
			if !ok {
				return nil, errors.New("a file was not read")
			}
			return text, nil
		})
	case model.FormJSON:
		text := strings.TrimSpace(p.Value)
		if !strings.HasPrefix(text, "{") {
			return strvals.ParseJSON(p.Value, into)
		}
		var values map[string]any
		if err := json.Unmarshal([]byte(text), &values); err != nil {
			return err
		}
		merged := loader.MergeMaps(into, values)
		clear(into)
		maps.Copy(into, merged)
		return nil
	}
	return fmt.Errorf("there is no flag --%s", p.Form)
}
