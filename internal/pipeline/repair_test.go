package pipeline

import (
	"strings"
	"testing"

	"github.com/fairlead-cd/fairlead/internal/model"
)

// TestRepairOfRandomValues: a chart that gives other values each time it is rendered loses none of them
// when something is put back.
func TestRepairOfRandomValues(t *testing.T) {
	const text = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: password}\ndata: {a: \"RANDOM\"}\n---\n" +
		"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: web}\ndata: {a: \"1\"}\n"
	w := newWorld(t)
	w.desired.Objects = w.objects(strings.Replace(text, "RANDOM", "first", 1))
	w.records.kept = w.desired.Objects
	out := w.line.Run(t.Context(), w.request(ModeUpgrade))
	if !out.OK() {
		t.Fatalf("%v, %+v", out.Err, out.Verdict)
	}
	w.desired.Objects = append(w.objects(strings.Replace(text, "RANDOM", "second", 1)), w.configMap("more", ""))
	for _, lost := range []string{"web", "password"} {
		must(t, w.client.Delete(t.Context(), configMaps, w.ns, lost, ""))
		w.seen(w.key(configMaps, lost), gone)
		req := w.after(out)
		req.Mode = ModeRepair
		repaired := w.line.Run(t.Context(), req)
		if !repaired.OK() {
			t.Fatalf("%s: %v, %+v", lost, repaired.Err, repaired.Verdict)
		}
		for _, c := range repaired.Plan.Changes() {
			if is := c.Action == model.ActionRepair; is != (c.Key.Name == lost) || !is && c.Action != model.ActionUnchanged {
				t.Errorf("%s was lost: %s %s (%s)", lost, c.Action, c.Key.Short(), c.Reason)
			}
		}
		if repaired.Record != nil {
			out = repaired
		}
	}
	if w.exists("more") {
		t.Error("a repair added something")
	}
	is, err := w.client.Get(t.Context(), configMaps, w.ns, "password")
	must(t, err)
	if !strings.Contains(string(is), `"first"`) {
		t.Errorf("the password is %s", is)
	}
}
