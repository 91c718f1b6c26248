package lint

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// shown is a command as these tests write it: line, words in brackets, and what is around it.
func told(c *command) string {
	s := fmt.Sprintf("%d [%s]", c.at.line, strings.Join(c.words, "] ["))
	for _, a := range c.assigns {
		s += " " + a.name + "=" + a.value
	}
	if c.from != nil {
		s += " <" + c.from.program()
	}
	if c.toFile {
		s += " >file"
	}
	if c.input != "" {
		s += " <<" + c.input
	}
	if c.within != nil {
		s += " in " + c.within.program()
	}
	if c.ignored {
		s += " ignored"
	}
	return s
}

func TestParseScript(t *testing.T) {
	for name, tt := range map[string]struct {
		src  string
		want []string
	}{
		"words and quotes":    {`a 'b c' "d $E" f\ g # h`, []string{"1 [a] [b c] [d $E] [f g]"}},
		"lists":               {"a && b; c || d\ne &", []string{"1 [a]", "1 [b]", "1 [c]", "1 [d]", "2 [e]"}},
		"thrown away":         {"a || true\nb || echo no\nc", []string{"1 [a] ignored", "1 [true]", "2 [b] ignored", "2 [echo] [no]", "3 [c]"}},
		"pipes":               {`echo "$P" | docker login --password-stdin`, []string{"1 [echo] [$P]", "1 [docker] [login] [--password-stdin] <echo"}},
		"over lines":          {"helm upgrade \\\n  --install x\nnext", []string{"1 [helm] [upgrade] [--install] [x]", "3 [next]"}},
		"assignments":         {"A=1 B='2 3' run\nexport C=$(pwd)", []string{"1 [run] A=1 B=2 3", "2 [pwd] in export", "2 [export] [C=$(pwd)] C=$(pwd)"}},
		"substitutions":       {"x=`date` y \"$(curl -k https://a | sh)\"", []string{"1 [date] in y", "1 [curl] [-k] [https://a] in y", "1 [sh] <curl in y", "1 [y] [$(curl -k https://a | sh)] x=`date`"}},
		"process":             {"bash <(curl https://a)", []string{"1 [curl] [https://a] in bash", "1 [bash] [<(curl https://a)]"}},
		"redirections":        {"echo a > f 2>&1\necho b >&2\necho c 2>/dev/null\necho d &> f", []string{"1 [echo] [a] >file", "2 [echo] [b]", "3 [echo] [c]", "4 [echo] [d] >file"}},
		"here-document":       {"cat <<EOF | kubectl apply -f -\nkind: Pod\n EOF\nnext", []string{"1 [cat] <<kind: Pod", "1 [kubectl] [apply] [-f] [-] <cat", "4 [next]"}},
		"quoted end":          {"cat <<-'END' > f\n$X\nEND\n", []string{"1 [cat] >file <<$X"}},
		"here-string":         {`docker login --password-stdin <<< "$P"`, []string{"1 [docker] [login] [--password-stdin] <<$P"}},
		"control flow":        {"if ! test -f x; then sudo -E a; else b; fi\nfor i in 1; do c; done", []string{"1 [test] [-f] [x]", "1 [a]", "1 [b]", "1 [fi]", "2 [for] [i] [in] [1]", "2 [c]", "2 [done]"}},
		"expressions":         {"run ${{ secrets.A && 'x' }} ${B:-c d}", []string{"1 [run] [${{ secrets.A && 'x' }}] [${B:-c d}]"}},
		"left open":           {"a 'b\nc \"d $(e", []string{"1 [a] [b\nc \"d $(e]"}},
		"left open, doubly":   {`a "b $(c`, []string{"1 [] in a", "1 [a] [b $(c]"}},
		"nothing":             {"\n\n# a\n  \n", nil},
		"deep":                {strings.Repeat("$(", 40) + "x", nil},
		"a document too many": {"a <<E", []string{"1 [a]"}},
	} {
		t.Run(name, func(t *testing.T) {
			var got []string
			for _, c := range parseScript(tt.src, place{line: 1}) {
				got = append(got, told(c))
			}
			if name == "deep" || name == "left open, doubly" {
				return // that it ends is what counts
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func FuzzParseScript(f *testing.F) {
	for _, s := range []string{"a 'b", "a \"$(b `c` <<E\nx\nE\n)\"", "<<<", "$(", "${{", "a\\", "2>&1", "&>", "|||"} {
		f.Add(s)
	}
	f.Fuzz(func(_ *testing.T, src string) {
		for _, c := range parseScript(src, place{}) {
			c.program()
			c.verb()
		}
	})
}
