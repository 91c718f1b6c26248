package values

import (
	"encoding/json"
	"errors"
	"strings"

	"helm.sh/helm/v4/pkg/strvals"

	"github.com/fairlead-cd/fairlead/internal/model"
)

// examples show how an argument is written.
var examples = map[model.SetForm]string{
	model.FormSet:     "--set image.tag=1.2.3",
	model.FormString:  "--set-string image.tag=1.2.3",
	model.FormFile:    "--set-file config=./config.ini",
	model.FormJSON:    `--set-json 'tolerations=[{"key":"a"}]'`,
	model.FormLiteral: "--set-literal pattern='a,b'",
}

// argument parses what one of the --set flags was given, and reads the files it names.
func argument(form model.SetForm, arg string) (model.ValuesLayer, error) {
	p := &model.Parameter{Value: arg, Form: form}
	l := model.ValuesLayer{Origin: "--" + string(form) + " " + name(arg), Set: p}
	var err, unread error
	scratch := map[string]any{}
	switch form {
	case model.FormSet:
		err = strvals.ParseInto(arg, scratch)
	case model.FormString:
		err = strvals.ParseIntoString(arg, scratch)
	case model.FormLiteral:
		err = strvals.ParseLiteralInto(arg, scratch)
	case model.FormFile:
		p.Files = map[string]string{}
		err = strvals.ParseIntoFile(arg, scratch, func(path []rune) (any, error) {
			text, err := read(string(path))
			if err != nil {
				unread = err
				return nil, err
			}
			p.Files[string(path)] = string(text)
			return string(text), nil
		})
	case model.FormJSON:
		if text := strings.TrimSpace(arg); strings.HasPrefix(text, "{") {
			err = json.Unmarshal([]byte(text), &scratch)
		} else {
			err = strvals.ParseJSON(arg, scratch)
		}
	}
	if unread != nil {
		return l, unread
	}
	if err == nil && !strings.Contains(arg, "=") && len(scratch) == 0 {
		err = errEmpty
	}
	if err != nil {
		return l, badArgument(l, form, arg)
	}
	return l, nil
}

var errEmpty = errors.New("nothing is set")

// badArgument says what an argument lacks. The parser's own message would quote what follows a comma,
// which can be the rest of a password.
func badArgument(l model.ValuesLayer, form model.SetForm, arg string) error {
	e := &model.Error{Kind: model.ErrInvalid, Reason: "InvalidValues", Next: "write " + examples[form]}
	_, value, assigned := strings.Cut(arg, "=")
	switch {
	case form == model.FormJSON && assigned, strings.HasPrefix(strings.TrimSpace(arg), "{"):
		e.Msg = "what is set is not valid JSON"
	case strings.TrimSpace(arg) == "":
		e.Msg = "it is empty"
	case !assigned:
		e.Msg = "there is no ="
	case strings.Contains(value, "{") && !strings.Contains(value, "}"):
		e.Msg = "a list is not closed with }"
	case strings.Contains(value, ","):
		e.Msg = "what follows a comma is no NAME=VALUE"
		e.Next = `a comma inside of a value is written \, (and the argument quoted for the shell); --set-literal takes a value as it is`
	default:
		e.Msg = "the name cannot be understood"
		e.Next = `write a.b for a key below another, a[0] for an item of a list, a\.b for a key with a dot`
	}
	e.Msg = strings.TrimSpace(l.Origin) + ": " + e.Msg
	return e
}
