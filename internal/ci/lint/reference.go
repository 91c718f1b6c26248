package lint

import "github.com/fairlead-cd/fairlead/internal/pattern"

// references finds variables: $NAME, ${NAME}, ${NAME:-x}, and GitHub's ${{ env.NAME }} and
// ${{ secrets.NAME }}.
var references = pattern.New(`\$\{\{\s*[^}]*\}\}|\$\{[A-Za-z_][A-Za-z0-9_]*[^}]*\}|\$[A-Za-z_][A-Za-z0-9_]*`)

var (
	shellName  = pattern.New(`^\$\{?([A-Za-z_][A-Za-z0-9_]*)`)
	exprName   = pattern.New(`^\$\{\{\s*(?:env|secrets|vars)\.([A-Za-z_][A-Za-z0-9_]*)\s*\}\}$`)
	secretName = pattern.New(`\bsecrets\.([A-Za-z_][A-Za-z0-9_]*)`)
)

// refName is the name in a reference, "" for an expression.
func refName(ref string) string {
	if m := exprName.FindStringSubmatch(ref); m != nil {
		return m[1]
	}
	if m := shellName.FindStringSubmatch(ref); m != nil {
		return m[1]
	}
	return ""
}

// refs are the names of all variables that s refers to.
func refs(s string) []string {
	var names []string
	for _, r := range references.FindAllString(s, -1) {
		if name := refName(r); name != "" {
			names = append(names, name)
			continue
		}
		for _, m := range secretName.FindAllStringSubmatch(r, -1) {
			names = append(names, m[1])
		}
	}
	return names
}
