package app

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/fairlead-cd/fairlead/internal/cli"
	"github.com/fairlead-cd/fairlead/internal/output"
)

// In a job of GitHub's, nothing foreign on either stream is a command; elsewhere it is as it is.
func TestCommandsOfGitHub(t *testing.T) {
	const foreign, harmless = "\u00a0::error::x ##[add-mask]y\n", "\u00a0:\u200b:error::x ##\u200b[add-mask]y\n"
	for _, github := range []bool{true, false} {
		want := foreign
		if github {
			want = harmless
		}
		var out, errOut bytes.Buffer
		f := &cli.Factory{IO: output.NewBuffers(&out, &errOut, output.Env{})}
		wireObservers(f, env{GitHub: github})
		fmt.Fprint(f.IO.Out, foreign)
		fmt.Fprint(f.IO.Err, foreign)
		if out.String() != want || errOut.String() != want {
			t.Errorf("GitHub %t: %q and %q, want %q", github, out.String(), errOut.String(), want)
		}
		out.Reset()
		fmt.Fprint(f.IO.Data(), foreign)
		if out.String() != foreign {
			t.Errorf("GitHub %t: data becomes %q", github, out.String())
		}
	}
}
