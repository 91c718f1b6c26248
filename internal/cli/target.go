package cli

import (
	"strings"

	"github.com/spf13/cobra"

	"github.com/fairlead-cd/fairlead/internal/pattern"
)

// Helm's own rule for release names: https://helm.sh/docs/topics/charts/. Longer ones do not fit in the
// labels that charts make of them.
var releaseName = pattern.New(`^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$`)

const maxReleaseName = 53

// CheckReleaseName refuses what Helm would not take as the name of a release.
func CheckReleaseName(cmd *cobra.Command, name string) error {
	if len(name) <= maxReleaseName && releaseName.MatchString(name) {
		return nil
	}
	return Usagef(cmd.CommandPath(), "release %q: want lower case letters, digits, - and ., at most %d characters", name, maxReleaseName)
}

// defaultNamespace is where kubectl and helm go where nothing says otherwise.
const defaultNamespace = "default"

// TargetNamespace is the namespace that a command deploys to: -n, or the kubeconfig context's.
func (f *Factory) TargetNamespace() (string, error) {
	if f.Global.Namespace != "" {
		return f.Global.Namespace, nil
	}
	c, err := f.Cluster()
	if err != nil {
		return "", err
	}
	if c.Namespace != "" {
		return c.Namespace, nil
	}
	return defaultNamespace, nil
}

// PlainName reads the name of a release in Helm's storage: NAME, or NAMESPACE/NAME.
func (f *Factory) PlainName(cmd *cobra.Command, text string) (namespace, name string, err error) {
	name = text
	if ns, rest, ok := strings.Cut(text, "/"); ok {
		if f.Global.Namespace != "" && f.Global.Namespace != ns {
			return "", "", Usagef(cmd.CommandPath(), "release %q: -n %s names another namespace", text, f.Global.Namespace)
		}
		namespace, name = ns, rest
	} else if namespace, err = f.TargetNamespace(); err != nil {
		return "", "", err
	}
	return namespace, name, CheckReleaseName(cmd, name)
}
