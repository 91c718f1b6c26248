package manifest

import (
	"errors"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/fairlead-cd/fairlead/internal/model"
	"github.com/fairlead-cd/fairlead/internal/pattern"
)

var yamlLine = pattern.New(`(?:yaml: )?line (\d+): `)

// YAMLError takes a YAML parser's error apart: the first line it names, 0 for none, and what is
// left of the message, on one line.
func YAMLError(err error) (line int, msg string) {
	msg = err.Error()
	for _, p := range []string{"error converting YAML to JSON: ", "error unmarshaling JSON: ", "while decoding JSON: ", "yaml: ", "unmarshal errors:"} {
		msg = strings.TrimSpace(strings.TrimPrefix(msg, p))
	}
	if m := yamlLine.FindStringSubmatchIndex(msg); m != nil {
		line, _ = strconv.Atoi(msg[m[2]:m[3]])
		msg = msg[:m[0]] + msg[m[1]:]
	}
	if line > 0 && expectedKey.MatchString(msg) {
		line++
	}
	return line, OneLine(msg)
}

// expectedKey are messages of the parser proper, which counts lines from 0 where its scanner counts
// from 1 (go.yaml.in/yaml/v2, parser.fail).
var expectedKey = pattern.New(`did not find expected (key|'-' indicator)$`)

// OneLine folds a message of several lines into one.
func OneLine(s string) string {
	return strings.Join(strings.Fields(s), " ")
}

// At puts a place into an Invalid error that has none, adding line to a line it has: first is the
// line of the file that the error's lines count from.
func At(err error, file string, first, otherwise int) error {
	var e *model.Error
	if !errors.As(err, &e) {
		return err
	}
	c := *e
	c.File = file
	if c.Line > 0 {
		c.Line += first - 1
	} else {
		c.Line = otherwise
	}
	return &c
}

func sortedKeys(m map[string]any) []string { return slices.Sorted(maps.Keys(m)) }
