package values

import (
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/fairlead-cd/fairlead/internal/model"
)

// Values are what the flags were given.
type Values struct {
	Files   []string // -f
	JSON    []string // --set-json
	Set     []string
	String  []string // --set-string
	File    []string // --set-file
	Literal []string // --set-literal
}

// AddFlags adds the flags to a command.
func AddFlags(cmd *cobra.Command, v *Values) {
	f := cmd.Flags()
	f.StringSliceVarP(&v.Files, "values", "f", nil, "values `file`, - for stdin; of several the last wins")
	f.StringArrayVar(&v.Set, "set", nil, "set values: `a.b=1,c={x,y}`")
	f.StringArrayVar(&v.String, "set-string", nil, "set values that are strings: `a.b=1`")
	f.StringArrayVar(&v.File, "set-file", nil, "set values to the content of files: `a.b=path`")
	f.StringArrayVar(&v.JSON, "set-json", nil, "set values written as JSON: `a.b=[1,2]`, or an object with all of them")
	f.StringArrayVar(&v.Literal, "set-literal", nil, "set one value to everything behind the first =: `a.b=x,y`")
	// Only a flag that was not defined above could be unknown here.
	_ = cmd.MarkFlagFilename("values", "yaml", "yml", "json")
}

// Layers reads what the flags name, in Helm's order of precedence. stdin is what "-f -" reads.
func (v *Values) Layers(stdin io.Reader) ([]model.ValuesLayer, error) {
	var layers []model.ValuesLayer
	for _, name := range v.Files {
		l, err := file(name, stdin)
		if err != nil {
			return nil, err
		}
		layers = append(layers, l)
	}
	for _, given := range []struct {
		form model.SetForm
		args []string
	}{
		{model.FormJSON, v.JSON}, {model.FormSet, v.Set}, {model.FormString, v.String},
		{model.FormFile, v.File}, {model.FormLiteral, v.Literal},
	} {
		for _, arg := range given.args {
			l, err := argument(given.form, arg)
			if err != nil {
				return nil, err
			}
			layers = append(layers, l)
		}
	}
	return layers, nil
}

// name is what an argument sets, for messages: what stands before the first "=". Of an argument
// without one only the beginning is shown: it may be a value.
func name(arg string) string {
	before, _, ok := strings.Cut(arg, "=")
	if strings.HasPrefix(strings.TrimSpace(arg), "{") {
		return "{...}"
	}
	if !ok {
		if i := strings.IndexAny(before, ": "); i >= 0 {
			before = before[:i] + "..."
		}
	}
	const longest = 60
	if len(before) > longest {
		before = strings.ToValidUTF8(before[:longest], "") + "..."
	}
	return before
}
