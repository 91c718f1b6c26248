package helm

import (
	"bytes"
	"errors"
	"strings"

	"helm.sh/helm/v4/pkg/chart/loader/archive"
	chart "helm.sh/helm/v4/pkg/chart/v2"
	"sigs.k8s.io/yaml"

	"github.com/fairlead-cd/fairlead/internal/model"
	"github.com/fairlead-cd/fairlead/internal/pattern"
	"github.com/fairlead-cd/fairlead/internal/render/manifest"
)

// checkAPIVersion refuses what Helm's loader for v1 and v2 charts would misread.
func checkAPIVersion(files []*archive.BufferedFile) error {
	for _, f := range files {
		if f.Name != "Chart.yaml" {
			continue
		}
		var head struct {
			APIVersion string `json:"apiVersion"`
		}
		if err := yaml.Unmarshal(f.Data, &head); err != nil {
			return fileError("Chart.yaml", err)
		}
		switch head.APIVersion {
		case "", chart.APIVersionV1, chart.APIVersionV2:
			return nil
		}
		return &model.Error{
			Kind: model.ErrInvalid, Reason: "InvalidChart", File: "Chart.yaml", Line: keyLine(f.Data, "apiVersion"),
			Msg: "apiVersion " + head.APIVersion + " is not supported", Next: "use apiVersion v2",
		}
	}
	return &model.Error{
		Kind: model.ErrNotFound, Reason: "ChartNotFound", File: "Chart.yaml", Msg: "the folder holds no chart: Chart.yaml is missing",
		Next: "check the chart's path",
	}
}

func fileError(file string, err error) error {
	line, msg := manifest.YAMLError(err)
	return &model.Error{Kind: model.ErrInvalid, Reason: "InvalidChart", File: file, Line: line, Msg: "not valid YAML: " + msg}
}

var (
	cannotLoad = pattern.New(`(?s)^cannot load ([\w.]+): (.*)$`)
	unpacking  = pattern.New(`(?s)^error unpacking subchart (\S+) in \S+: (.*)$`)
	metadata   = pattern.New(`chart\.metadata\.(\w+)`)
)

// loadError puts file and line to what Helm's loader says.
func loadError(files []*archive.BufferedFile, err error) error {
	if e := (*model.Error)(nil); errors.As(err, &e) {
		return err
	}
	msg, dir := err.Error(), ""
	for m := unpacking.FindStringSubmatch(msg); m != nil; m = unpacking.FindStringSubmatch(msg) {
		dir, msg = dir+"charts/"+m[1]+"/", m[2]
	}
	if m := cannotLoad.FindStringSubmatch(msg); m != nil {
		text := strings.TrimPrefix(m[2], "cannot unmarshal yaml document: ")
		return fileError(dir+m[1], errors.New(text))
	}
	e := &model.Error{Kind: model.ErrInvalid, Reason: "InvalidChart", File: dir + "Chart.yaml", Msg: manifest.OneLine(strings.TrimPrefix(msg, "validation: "))}
	if m := metadata.FindStringSubmatch(msg); m != nil {
		for _, f := range files {
			if f.Name == e.File {
				e.Line = keyLine(f.Data, m[1])
			}
		}
	}
	return e
}

// keyLine is the line of a key at the top of a YAML file, 0 when there is none.
func keyLine(data []byte, key string) int {
	for i, line := range bytes.Split(data, []byte{'\n'}) {
		if bytes.HasPrefix(line, []byte(key+":")) {
			return i + 1
		}
	}
	return 0
}
