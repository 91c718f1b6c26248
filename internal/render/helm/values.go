package helm

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"

	"helm.sh/helm/v4/pkg/chart/v2/loader"
	"helm.sh/helm/v4/pkg/strvals"

	"github.com/fairlead-cd/fairlead/internal/model"
	"github.com/fairlead-cd/fairlead/internal/pattern"
	"github.com/fairlead-cd/fairlead/internal/render/manifest"
)

const maxValuesSize = 8 << 20

// mergeValues lays the layers over each other as `helm -f ... --set ...` does, the last one on top,
// and collects what must not be shown.
func mergeValues(files valuesFiles, chartPath string, layers []model.ValuesLayer, hide *mask) (map[string]any, error) {
	merged := map[string]any{}
	for _, l := range layers {
		if l.Sensitive {
			hide.layer()
		}
		if l.Set != nil {
			if err := set(merged, l, hide); err != nil {
				return nil, err
			}
			continue
		}
		text, err := layerText(files, chartPath, l)
		if err != nil {
			return nil, err
		}
		values, err := loader.LoadValues(bytes.NewReader(text))
		if err != nil {
			return nil, layerError(l, text, err)
		}
		if l.Sensitive {
			hide.values(values)
		}
		merged = loader.MergeMaps(merged, values)
	}
	return merged, nil
}

// valuesFiles are where values files are looked for: among the chart's files, then beside them.
type valuesFiles struct{ chart, beside *os.Root }

func (v valuesFiles) open(name string) (*os.File, error) {
	f, err := v.chart.Open(name)
	if v.beside != nil && errors.Is(err, fs.ErrNotExist) {
		return v.beside.Open(name)
	}
	return f, err
}

func layerText(files valuesFiles, chartPath string, l model.ValuesLayer) ([]byte, error) {
	if l.File == "" {
		return l.YAML, nil
	}
	name := path.Join(path.Clean(filepath.ToSlash(chartPath)), filepath.ToSlash(l.File))
	if path.IsAbs(l.File) || !filepath.IsLocal(name) {
		return nil, &model.Error{Kind: model.ErrInvalid, Reason: "InvalidPath", File: l.File, Msg: "the values file lies outside of the source"}
	}
	f, err := files.open(name)
	if errors.Is(err, fs.ErrNotExist) {
		if l.Optional {
			return nil, nil
		}
		return nil, &model.Error{
			Kind: model.ErrInvalid, Reason: "ValuesNotFound", File: l.File, Msg: "there is no such values file",
			Next: "check the path: it counts from the chart's folder",
		}
	}
	if err != nil {
		return nil, pathError(l.File, err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxValuesSize+1))
	if err != nil {
		return nil, pathError(l.File, err)
	}
	if len(text) > maxValuesSize {
		return nil, invalidPath(l.File, "the values file is larger than "+strconv.Itoa(maxValuesSize>>20)+" MiB")
	}
	return text, nil
}

// layerError tells what is wrong with a layer. The parser quotes the text in its messages, so of a
// sensitive one only the line is told.
func layerError(l model.ValuesLayer, text []byte, err error) error {
	cause := errors.New(strings.TrimPrefix(err.Error(), "cannot unmarshal yaml document: "))
	line, msg := manifest.YAMLError(cause)
	e := &model.Error{Kind: model.ErrInvalid, Reason: "InvalidValues", File: l.File, Line: line}
	prefix := ""
	if l.File == "" {
		prefix = origin(l) + ": "
		if e.Line = 0; line > 0 {
			prefix = origin(l) + ", line " + strconv.Itoa(line) + ": "
		}
	}
	switch {
	case strings.Contains(msg, "cannot unmarshal"):
		e.Line, e.Msg = 0, "values must be a map"
		if l.File == "" {
			prefix = origin(l) + ": "
		}
	case l.Sensitive:
		e.Msg = "not valid YAML (its content is not shown)"
	default:
		e.Msg = "not valid YAML: " + msg
	}
	e.Msg = prefix + e.Msg
	return e
}

func origin(l model.ValuesLayer) string {
	if l.Origin == "" {
		return "values"
	}
	return l.Origin
}

// bareComma is a comma that would begin the next assignment of a --set. A parameter is one
// assignment, so its commas are escaped, as Argo CD does (util/helm, cleanSetParameters).
var bareComma = pattern.New(`(^|[^\\]),`)

func set(into map[string]any, l model.ValuesLayer, hide *mask) error {
	if l.Set.Form != "" {
		return assign(into, l, hide)
	}
	value := l.Set.Value
	if l.Sensitive {
		hide.scalar(value)
	}
	if !strings.HasPrefix(value, "{") || !strings.HasSuffix(value, "}") {
		for bareComma.MatchString(value) { // twice where commas follow each other
			value = bareComma.ReplaceAllString(value, `$1\,`)
		}
	}
	parse := strvals.ParseInto
	if l.Set.ForceString {
		parse = strvals.ParseIntoString
	}
	if err := parse(l.Set.Name+"="+value, into); err != nil {
		e := &model.Error{Kind: model.ErrInvalid, Reason: "InvalidValues", Msg: origin(l) + ": parameter " + strconv.Quote(l.Set.Name) + " cannot be set"}
		if !l.Sensitive {
			e.Msg += ": " + manifest.OneLine(err.Error())
		}
		return e
	}
	return nil
}
