package pack

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/Masterminds/semver/v3"

	"github.com/fairlead-cd/fairlead/internal/model"
	"github.com/fairlead-cd/fairlead/internal/render/helm"
)

const chartFile = "Chart.yaml"

// SetVersion gives the chart another version, or appVersion, where they are not empty. The rest of
// Chart.yaml stays as it is, byte for byte.
func SetVersion(files []helm.File, version, appVersion string) ([]helm.File, error) {
	if version != "" {
		if _, err := semver.StrictNewVersion(version); err != nil {
			return nil, &model.Error{Kind: model.ErrInvalid, Reason: "InvalidVersion", Msg: fmt.Sprintf("%q is no version", version), Next: "write 1.2.3, 1.2.3-rc.1 or 1.2.3+build"}
		}
	}
	files = slices.Clone(files)
	i := slices.IndexFunc(files, func(f helm.File) bool { return f.Name == chartFile })
	if i < 0 {
		return nil, &model.Error{Kind: model.ErrInvalid, Reason: "InvalidChart", Msg: "there is no Chart.yaml"}
	}
	text := string(files[i].Data)
	for _, set := range []struct{ key, value string }{{"version", version}, {"appVersion", appVersion}} {
		if set.value != "" {
			text = setKey(text, set.key, set.value)
		}
	}
	files[i].Data = []byte(text)
	return files, nil
}

// setKey replaces the value of a key at the top of a YAML document, or adds the key at its end. What
// such a key holds in a Chart.yaml is one scalar on the same line.
func setKey(text, key, value string) string {
	line := regexp.MustCompile(`(?m)^(["']?` + key + `["']?[ \t]*:)[ \t]*("[^"\n]*"|'[^'\n]*'|[^#\n]*?)?([ \t]+#.*)?(\r?)$`)
	quoted := fmt.Sprintf("%q", value)
	if at := line.FindStringSubmatchIndex(text); at != nil {
		part := func(i int) string {
			if at[2*i] < 0 {
				return ""
			}
			return text[at[2*i]:at[2*i+1]]
		}
		return text[:at[0]] + part(1) + " " + quoted + part(3) + part(4) + text[at[1]:]
	}
	return strings.TrimRight(text, "\n") + "\n" + key + ": " + quoted + "\n"
}
