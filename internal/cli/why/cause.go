package why

import (
	"fmt"
	"io"
	"strings"

	"github.com/fairlead-cd/fairlead/internal/model"
	"github.com/fairlead-cd/fairlead/internal/output"
)

// roleNames are how the roles of links are written in front of them.
var roleNames = map[model.Role]string{
	model.RoleLog: "last log", model.RoleEvent: "event", model.RoleCause: "cause", model.RoleSource: "source",
}

// printCause prints the chain from an object to the root of its trouble.
func printCause(w io.Writer, paint output.Paint, c *model.Cause) {
	name := c.Object.Short()
	if c.Object.Namespace != "" {
		name += " (" + c.Object.Namespace + ")"
	}
	fmt.Fprintf(w, "  %s  %s\n", paint.Text(output.Strong, output.Clean(name)), output.Clean(c.Summary))
	indent := "   "
	for _, l := range c.Links {
		role, named := roleNames[l.Role]
		text := strings.TrimRight(output.CleanBlock(l.Text), "\n")
		if !named {
			fmt.Fprintf(w, "%s└ %s  %s\n", indent, output.Clean(l.Object.Short()), text)
			indent += "  "
			continue
		}
		style := output.Quiet
		if l.Role == model.RoleCause {
			style = output.Bad
		}
		lead := indent + "  "
		text = strings.ReplaceAll(text, "\n", "\n"+lead+strings.Repeat(" ", 11))
		fmt.Fprintf(w, "%s%s %s\n", lead, paint.Text(style, fmt.Sprintf("%-10s", role)), text)
	}
	if c.Next != "" {
		fmt.Fprintf(w, "  %s  %s\n", paint.Text(output.Quiet, "next"), output.Clean(c.Next))
	}
}
