package status

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/fairlead-cd/fairlead/internal/cli/releases"
	"github.com/fairlead-cd/fairlead/internal/health"
	"github.com/fairlead-cd/fairlead/internal/model"
	"github.com/fairlead-cd/fairlead/internal/output"
)

func (o *Options) print(v *releases.View, tree []health.Node) error {
	paint := o.IO.OutPaint()
	fmt.Fprintf(o.IO.Out, "%s  %s  %s\n", paint.Text(output.Strong, v.ID().String()),
		paint.Text(output.StatusStyle(string(v.Status)), string(v.Status)), output.Clean(v.Message))
	for _, f := range o.facts(v) {
		if f[1] != "" {
			fmt.Fprintf(o.IO.Out, "  %s%s\n", paint.Text(output.Quiet, fmt.Sprintf("%-13s", f[0])), output.Clean(f[1]))
		}
	}
	fmt.Fprintln(o.IO.Out)
	if len(tree) == 0 {
		fmt.Fprintln(o.IO.Out, "  no objects: nothing of it was deployed yet")
	} else if err := output.WriteTree(o.IO.Out, paint, o.IO.Width, "  ", branches(tree, v.TargetNamespace)); err != nil {
		return err
	}
	if len(v.Conditions) > 0 {
		fmt.Fprintln(o.IO.Out)
		if err := o.conditions(v.Conditions); err != nil {
			return err
		}
	}
	if !good(v, tree) {
		o.IO.Say("")
		o.IO.Say("next  fairlead why %s", v.Short())
	}
	return nil
}

// facts are the lines of the header, name and value.
func (o *Options) facts(v *releases.View) [][2]string {
	release := v.Release
	if v.TargetNamespace != "" {
		release += " in namespace " + v.TargetNamespace
	}
	if v.Environment != "" {
		release += " (environment " + v.Environment + ")"
	}
	revision := ""
	if v.Revision > 0 {
		revision = strconv.Itoa(v.Revision)
	}
	facts := [][2]string{
		{"release", release},
		{"revision", revision},
		{"version", cmp.Or(v.Commit, v.Version)},
		{"attempted", v.Attempted},
		{"source", v.Source},
		{"observed", o.ago(v.ObservedAt)},
	}
	if v.Hold != nil {
		at := ""
		if v.Hold.Time != "" {
			at = " at " + v.Hold.Time
		}
		where := fmt.Sprintf("at revision %d by %s%s", v.Hold.Revision, v.Hold.By, at)
		if v.Hold.Revision == 0 { // nobody asked for it: the controller, or helm, went back by itself
			where = "until the inputs change"
		}
		facts = append(facts, [2]string{"held", fmt.Sprintf("%s; fairlead resume %s ends it", where, v.Short())})
	}
	return facts
}

func (o *Options) ago(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return fmt.Sprintf("%s (%s ago)", t.Format(time.RFC3339), output.Age(o.Now().Sub(t)))
}

// branches make a tree of objects printable; namespaces are told where they are not the release's.
func branches(nodes []health.Node, namespace string) []output.Branch {
	var bs []output.Branch
	for _, n := range nodes {
		b := output.Branch{Name: n.Key.Short(), Status: string(n.Health.Status), Text: describe(n.Health), Children: branches(n.Children, namespace)}
		if n.Key.Namespace != "" && n.Key.Namespace != namespace {
			b.Name += " (" + n.Key.Namespace + ")"
		}
		bs = append(bs, b)
	}
	return bs
}

// describe is what is worth saying of an object's health beside the word.
func describe(h model.Health) string {
	switch {
	case h.Message == "":
		return h.Reason
	case h.Reason == "" || strings.Contains(h.Message, h.Reason):
		return h.Message
	}
	return h.Reason + ": " + h.Message
}

func (o *Options) conditions(conditions []releases.Condition) error {
	t := &output.Table{Width: o.IO.Width, Paint: o.IO.OutPaint(), Columns: []output.Column{
		{Name: "CONDITION"}, {Name: "STATUS"}, {Name: "REASON"}, {Name: "AGE"}, {Name: "MESSAGE"},
	}}
	if o.Format.Is(output.FormatWide) {
		t.Width = 0
	}
	var rows [][]string
	for _, c := range conditions {
		age := ""
		if !c.Since.IsZero() {
			age = output.Age(o.Now().Sub(c.Since))
		}
		rows = append(rows, []string{c.Type, c.Status, c.Reason, age, c.Message})
	}
	return t.Write(o.IO.Out, rows...)
}
