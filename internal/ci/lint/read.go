package lint

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/fairlead-cd/fairlead/internal/model"
)

const (
	maxFile     = 1 << 20 // of one file of a pipeline
	maxIncludes = 150     // GitLab's own limit
	maxNodes    = 200_000 // of one file, aliases followed
)

// files reads YAML of a repository and remembers which node came from which file.
type files struct {
	root fs.FS
	of   map[*yaml.Node]string
	text map[string][]byte // what was read, for comments
}

func newFiles(root fs.FS) *files {
	return &files{root: root, of: map[*yaml.Node]string{}, text: map[string][]byte{}}
}

// read gives the last document of a file: GitLab puts a header with inputs before it.
func (f *files) read(name string) (*yaml.Node, error) {
	name = path.Clean(strings.TrimPrefix(name, "/"))
	data, err := readBounded(f.root, name)
	if err != nil {
		return nil, err
	}
	f.text[name] = data
	var last *yaml.Node
	dec := yaml.NewDecoder(strings.NewReader(string(data)))
	for {
		var doc yaml.Node
		err := dec.Decode(&doc)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, &model.Error{Kind: model.ErrInvalid, Reason: "NotYAML", File: name,
				Msg: "reading the pipeline: " + strings.TrimPrefix(err.Error(), "yaml: ")}
		}
		if len(doc.Content) > 0 {
			last = doc.Content[0]
		}
	}
	if last == nil || last.Kind != yaml.MappingNode {
		return nil, &model.Error{Kind: model.ErrInvalid, Reason: "NotAPipeline", File: name,
			Msg: "this is no pipeline: it has to be a map with jobs in it"}
	}
	f.mark(last, name)
	if weigh(last, map[*yaml.Node]int{}) > maxNodes {
		return nil, &model.Error{Kind: model.ErrInvalid, Reason: "TooLarge", File: name, Msg: "the pipeline has too many parts to be read"}
	}
	return last, nil
}

func (f *files) mark(n *yaml.Node, name string) {
	f.of[n] = name
	for _, c := range n.Content {
		f.mark(c, name)
	}
}

// weigh counts nodes with aliases followed, up to a little above maxNodes: an alias of aliases can grow
// a few lines into millions. A node that holds itself is heavier than any.
func weigh(n *yaml.Node, known map[*yaml.Node]int) int {
	if w, ok := known[n]; ok {
		return w
	}
	known[n] = maxNodes + 1 // while it is being weighed
	w := 1
	if n.Kind == yaml.AliasNode {
		w = weigh(n.Alias, known)
	}
	for _, c := range n.Content {
		w = min(w+weigh(c, known), maxNodes+1)
	}
	known[n] = w
	return w
}

func readBounded(root fs.FS, name string) ([]byte, error) {
	file, err := root.Open(name)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil, &model.Error{Kind: model.ErrNotFound, Reason: "NoPipeline", File: name, Msg: "there is no such file"}
		}
		return nil, fmt.Errorf("opening %s: %w", name, err)
	}
	defer file.Close()
	if st, err := file.Stat(); err != nil || !st.Mode().IsRegular() {
		return nil, &model.Error{Kind: model.ErrInvalid, Reason: "NotAFile", File: name, Msg: "this is no file"}
	}
	data, err := io.ReadAll(io.LimitReader(file, maxFile+1))
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", name, err)
	}
	if len(data) > maxFile {
		return nil, &model.Error{Kind: model.ErrInvalid, Reason: "TooLarge", File: name, Msg: fmt.Sprintf("larger than %d bytes", maxFile)}
	}
	return data, nil
}

// place is where n is written.
func (f *files) place(n *yaml.Node) place { return place{file: f.of[n], line: n.Line, col: n.Column} }

// str is a scalar's text, "" for anything else.
func (f *files) str(n *yaml.Node) text {
	if n = deref(n); n == nil || n.Kind != yaml.ScalarNode || n.Tag == "!!null" {
		return text{}
	}
	return text{value: n.Value, at: f.place(n)}
}

// strs are the texts of a scalar or a list of scalars, lists in lists laid flat.
func (f *files) strs(n *yaml.Node) []text {
	n = deref(n)
	switch {
	case n == nil:
		return nil
	case n.Kind == yaml.ScalarNode:
		if t := f.str(n); t.value != "" {
			return []text{t}
		}
	case n.Kind == yaml.SequenceNode && n.Tag != "!reference":
		var out []text
		for _, c := range n.Content {
			out = append(out, f.strs(c)...)
		}
		return out
	}
	return nil
}

func deref(n *yaml.Node) *yaml.Node {
	for i := 0; n != nil && n.Kind == yaml.AliasNode && i < 10; i++ {
		n = n.Alias
	}
	return n
}

// pair is a key of a map with its value.
type pair struct{ key, value *yaml.Node }

// pairs are the entries of a map, those merged in by "<<" before its own, which win.
func pairs(n *yaml.Node) []pair { return pairsDeep(n, 0) }

func pairsDeep(n *yaml.Node, depth int) []pair {
	if n = deref(n); n == nil || n.Kind != yaml.MappingNode || depth > 20 {
		return nil
	}
	var out []pair
	set := func(p pair) {
		for i := range out {
			if out[i].key.Value == p.key.Value {
				out[i] = p
				return
			}
		}
		out = append(out, p)
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value != "<<" {
			continue
		}
		from := deref(n.Content[i+1])
		if from != nil && from.Kind == yaml.SequenceNode {
			for j := len(from.Content) - 1; j >= 0; j-- { // the first of a list wins
				for _, p := range pairsDeep(from.Content[j], depth+1) {
					set(p)
				}
			}
			continue
		}
		for _, p := range pairsDeep(from, depth+1) {
			set(p)
		}
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value != "<<" {
			set(pair{n.Content[i], n.Content[i+1]})
		}
	}
	return out
}

// get is the value under a key, nil when there is none.
func get(n *yaml.Node, key string) *yaml.Node {
	_, v := find(n, key)
	return v
}

// find is a key and its value.
func find(n *yaml.Node, key string) (k, v *yaml.Node) {
	for _, p := range pairs(n) {
		if p.key.Value == key {
			return p.key, deref(p.value)
		}
	}
	return nil, nil
}

// scriptCommands reads the commands of script items.
func scriptCommands(items []text, nodes func(text) bool) []*command {
	var out []*command
	for i, t := range items {
		base := t.at
		if nodes(t) {
			base.line++ // the text of a block begins below its indicator
			base.col = 0
		}
		for _, c := range parseScript(t.value, base) {
			c.item = i
			out = append(out, c)
		}
	}
	return out
}

// blocks remembers which scalars are block scalars.
func (f *files) block(t text) bool {
	data := f.text[t.at.file]
	row := lineOf(data, t.at.line)
	if t.at.col < 1 || t.at.col > len(row) {
		return false
	}
	return row[t.at.col-1] == '|' || row[t.at.col-1] == '>'
}

func lineOf(data []byte, n int) string {
	s := string(data)
	for ; n > 1; n-- {
		i := strings.IndexByte(s, '\n')
		if i < 0 {
			return ""
		}
		s = s[i+1:]
	}
	row, _, _ := strings.Cut(s, "\n")
	return row
}
