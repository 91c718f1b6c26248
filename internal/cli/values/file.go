package values

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strconv"
	"strings"

	"helm.sh/helm/v4/pkg/chart/v2/loader"

	"github.com/fairlead-cd/fairlead/internal/model"
	"github.com/fairlead-cd/fairlead/internal/pattern"
)

// maxFile bounds a values file, and a file named by --set-file.
const maxFile = 8 << 20

// file reads a values file and looks that it holds a map.
func file(path string, stdin io.Reader) (model.ValuesLayer, error) {
	l := model.ValuesLayer{Origin: path}
	if strings.TrimSpace(path) == "-" {
		l.Origin = "stdin"
		text, err := io.ReadAll(io.LimitReader(stdin, maxFile+1))
		if err != nil {
			return l, fmt.Errorf("reading values from stdin: %w", err)
		}
		if len(text) > maxFile {
			return l, tooLarge("stdin")
		}
		l.YAML = text
		return l, check(l.Origin, text)
	}
	if strings.HasPrefix(path, "http://") || strings.HasPrefix(path, "https://") {
		return l, &model.Error{
			Kind: model.ErrInvalid, Reason: "InvalidPath", File: path, Msg: "values are read from files, not from the network",
			Next: "download it in a step of its own, check it, and give its path",
		}
	}
	text, err := read(path)
	if err != nil {
		return l, err
	}
	l.YAML = text
	return l, check(path, text)
}

func read(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, unreadable(path, err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, unreadable(path, err)
	}
	if len(text) > maxFile {
		return nil, tooLarge(path)
	}
	return text, nil
}

func unreadable(path string, err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return &model.Error{
			Kind: model.ErrNotFound, Reason: "ValuesNotFound", File: path, Msg: "there is no such file",
			Next: "check the path: it counts from the folder this command runs in",
		}
	}
	var p *fs.PathError
	if errors.As(err, &p) {
		err = p.Err
	}
	return &model.Error{Kind: model.ErrInvalid, Reason: "InvalidPath", File: path, Msg: "it cannot be read", Err: err}
}

func tooLarge(path string) error {
	return &model.Error{Kind: model.ErrInvalid, Reason: "InvalidValues", File: path, Msg: fmt.Sprintf("it is larger than %d MiB", maxFile>>20)}
}

// check looks that a document is YAML and a map. The parser quotes the document in some messages;
// those are not repeated.
func check(path string, text []byte) error {
	_, err := loader.LoadValues(bytes.NewReader(text))
	if err == nil {
		return nil
	}
	e := &model.Error{Kind: model.ErrInvalid, Reason: "InvalidValues", File: path}
	if strings.Contains(err.Error(), "cannot unmarshal") && strings.Contains(err.Error(), "Go value of type map") {
		e.Line, e.Msg = firstContent(text), "values must be a map, NAME: VALUE on every line"
		return e
	}
	e.Msg = "not valid YAML"
	if m := yamlLine.FindStringSubmatch(err.Error()); m != nil {
		e.Line, _ = strconv.Atoi(m[1])
	}
	for _, known := range syntaxErrors {
		if strings.Contains(err.Error(), known) {
			e.Msg += ": " + known
			break
		}
	}
	return e
}

var yamlLine = pattern.New(`yaml: line (\d+): `)

// syntaxErrors are messages of the YAML parser that quote nothing.
var syntaxErrors = []string{
	"found character that cannot start any token",
	"found a tab character that violates indentation",
	"mapping values are not allowed in this context",
	"did not find expected key",
	"did not find expected node content",
	"did not find expected '-' indicator",
	"did not find expected ',' or '}'",
	"did not find expected ',' or ']'",
	"could not find expected ':'",
	"found unexpected end of stream",
	"found unknown escape character",
	"control characters are not allowed",
	"invalid leading UTF-8 octet",
	"block sequence entries are not allowed in this context",
	"did not find expected <document start>",
	"unknown anchor",
}

// firstContent is the line of the first thing that is neither blank, nor a comment, nor a marker.
func firstContent(text []byte) int {
	for i, line := range strings.Split(string(text), "\n") {
		line = strings.TrimSpace(line)
		if line != "" && !strings.HasPrefix(line, "#") && !strings.HasPrefix(line, "---") && !strings.HasPrefix(line, "%") {
			return i + 1
		}
	}
	return 1
}
