package cli

import (
	"strings"

	"github.com/spf13/cobra"

	"github.com/fairlead-cd/fairlead/internal/output"
)

// The groups that the help lists commands in.
const (
	GroupLook   = "look"
	GroupAct    = "act"
	GroupDeploy = "deploy"
	GroupBuild  = "build"
	GroupRun    = "run"
)

// AddFormatFlag adds -o to a command. formats are those it prints, the first its default.
func AddFormatFlag(cmd *cobra.Command, value *string, formats ...string) {
	cmd.Flags().StringVarP(value, "output", "o", "", "output format: "+formatList(formats)+" (default "+formats[0]+")")
	err := cmd.RegisterFlagCompletionFunc("output", func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return formats, cobra.ShellCompDirectiveNoFileComp
	})
	if err != nil {
		// Only a flag that was not defined two lines above can be unknown here.
		cmd.PrintErrln(err)
	}
}

func formatList(formats []string) string {
	list := strings.Join(formats, "|")
	for _, f := range formats {
		if f == output.FormatJSON {
			list += "|jsonpath=TEMPLATE"
		}
	}
	return list
}

// ParseFormat reads the value of a command's -o.
func ParseFormat(cmd *cobra.Command, value string, formats ...string) (output.Format, error) {
	f, err := output.ParseFormat(value, formats...)
	if err != nil {
		return f, &UsageError{Command: cmd.CommandPath(), Err: err}
	}
	return f, nil
}

// NoArgs refuses arguments.
func NoArgs(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return Usagef(cmd.CommandPath(), "%s takes no arguments, got %q", cmd.CommandPath(), args)
	}
	return nil
}

// Args allows between least and most arguments; name says what is missing.
func Args(least, most int, name string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		switch {
		case len(args) < least:
			return Usagef(cmd.CommandPath(), "%s needs %s", cmd.CommandPath(), name)
		case len(args) > most:
			return Usagef(cmd.CommandPath(), "%s: %d arguments too many: %q", cmd.CommandPath(), len(args)-most, args[most:])
		}
		return nil
	}
}

// Example indents the lines of an example as cobra's help wants them.
func Example(text string) string {
	lines := strings.Split(strings.Trim(text, "\n"), "\n")
	for i, l := range lines {
		lines[i] = "  " + strings.TrimPrefix(l, "\t\t\t")
	}
	return strings.Join(lines, "\n")
}
