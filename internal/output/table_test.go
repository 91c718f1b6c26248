package output

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func columns() []Column {
	return []Column{{Name: "NAME"}, {Name: "SOURCE", Wide: true}, {Name: "STATUS", Style: StatusStyle}, {Name: "MESSAGE"}}
}

var tableRows = [][]string{
	{"shop/api", "git", "Failed", "panic: DATABASE_URL\nis empty, and so is everything else"},
	{"größer", "", "Healthy", ""},
}

func TestTable(t *testing.T) {
	for name, tt := range map[string]struct {
		table Table
		want  string
	}{
		"columns": {Table{}, `
NAME       STATUS    MESSAGE
shop/api   Failed    panic: DATABASE_URL is empty, and so is everything else
größer     Healthy   -
`},
		"wide": {Table{Wide: true}, `
NAME       SOURCE   STATUS    MESSAGE
shop/api   git      Failed    panic: DATABASE_URL is empty, and so is everything else
größer     -        Healthy   -
`},
		"the terminal ends": {Table{Width: 70}, `
NAME       STATUS    MESSAGE
shop/api   Failed    panic: DATABASE_URL is empty, and so is everythi…
größer     Healthy   -
`},
		"too narrow for anything": {Table{Width: 5}, `
NAME       STATUS    MESSAGE
shop/api   Failed    panic: DATABASE_URL is empty, and so is…
größer     Healthy   -
`},
		"colours count for nothing": {Table{Paint: Paint{on: true}}, "\n" +
			"\x1b[2mNAME\x1b[0m       \x1b[2mSTATUS\x1b[0m    \x1b[2mMESSAGE\x1b[0m\n" +
			"shop/api   \x1b[31mFailed\x1b[0m    panic: DATABASE_URL is empty, and so is everything else\n" +
			"größer     \x1b[32mHealthy\x1b[0m   -\n"},
	} {
		t.Run(name, func(t *testing.T) {
			tt.table.Columns = columns()
			var b strings.Builder
			if err := tt.table.Write(&b, tableRows...); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(strings.TrimPrefix(tt.want, "\n"), b.String()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// Rows that come later stay below the headers, and below the rows before them.
func TestTableStream(t *testing.T) {
	table := Table{Columns: columns()}
	var b strings.Builder
	for _, row := range tableRows {
		if err := table.Write(&b, row); err != nil {
			t.Fatal(err)
		}
	}
	want := `NAME       STATUS   MESSAGE
shop/api   Failed   panic: DATABASE_URL is empty, and so is everything else
größer     Healthy   -
`
	if diff := cmp.Diff(want, b.String()); diff != "" {
		t.Error(diff)
	}
}

func TestWriteTree(t *testing.T) {
	tree := []Branch{
		{Name: "ConfigMap/api", Status: "Healthy"},
		{Name: "Deployment/api", Status: "Degraded", Text: "0/3 ready", Children: []Branch{
			{Name: "ReplicaSet/api-7d9c", Status: "Degraded", Children: []Branch{
				{Name: "Pod/api-7d9c-x2k", Status: "Degraded", Text: "CrashLoopBackOff\x1b[2J"},
				{Name: "Pod/api-7d9c-x2l", Status: "Healthy"},
			}},
			{Name: "ReplicaSet/api-1111", Status: "Healthy"},
		}},
	}
	var b strings.Builder
	if err := WriteTree(&b, Paint{}, 0, "  ", tree); err != nil {
		t.Fatal(err)
	}
	want := `  ConfigMap/api           Healthy
  Deployment/api          Degraded   0/3 ready
  ├ ReplicaSet/api-7d9c   Degraded
  │ ├ Pod/api-7d9c-x2k    Degraded   CrashLoopBackOff` + "\uFFFD" + `[2J
  │ └ Pod/api-7d9c-x2l    Healthy
  └ ReplicaSet/api-1111   Healthy
`
	if diff := cmp.Diff(want, b.String()); diff != "" {
		t.Error(diff)
	}
}
