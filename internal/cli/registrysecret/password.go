package registrysecret

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/fairlead-cd/fairlead/internal/model"
)

const maxPassword = 64 << 10 // a cloud provider's JSON key is a password too

// readPassword reads a password and the line break that a shell puts behind it.
func readPassword(in io.Reader) (string, error) {
	if in == nil {
		return "", errors.New("--password-stdin: there is no input")
	}
	b, err := io.ReadAll(io.LimitReader(in, maxPassword+1))
	if err != nil {
		return "", fmt.Errorf("reading the password: %w", err)
	}
	s := strings.TrimSuffix(strings.TrimSuffix(string(b), "\n"), "\r")
	switch {
	case len(b) > maxPassword:
		return "", fmt.Errorf("--password-stdin: longer than %d bytes", maxPassword)
	case s == "":
		return "", errors.New("--password-stdin: the input is empty: is the variable set in this job?")
	case strings.ContainsRune(s, 0):
		return "", errors.New("--password-stdin: the input holds a NUL byte")
	}
	return s, nil
}

// refused notes that a flag was given which is only there to be refused. It takes any value: the error
// of a flag that does not repeats what it was given.
type refused struct{ given *bool }

var errOnCommandLine = errors.New("a password on the command line is seen by every process and kept in histories: " +
	"change it, and give the new one by --password-stdin, as in printf '%s' \"$PASSWORD\" | fairlead registry-secret NAME --password-stdin")

// Set is part of pflag.Value.
func (r refused) Set(string) error {
	*r.given = true
	return nil
}

// String is part of pflag.Value.
func (refused) String() string { return "" }

// Type is part of pflag.Value.
func (refused) Type() string { return "VALUE" }

// scrub takes secrets out of an error of the API server: an admission webhook may quote what it
// refuses.
func scrub(err error, secrets ...string) error {
	text := err.Error()
	// The longest first: what is part of another would leave the rest of it.
	slices.SortFunc(secrets, func(a, b string) int { return len(b) - len(a) })
	for _, s := range secrets {
		if s != "" {
			text = strings.ReplaceAll(text, s, "***")
		}
	}
	if text == err.Error() {
		return err
	}
	out := &model.Error{Msg: text}
	switch {
	case apierrors.IsForbidden(err), apierrors.IsUnauthorized(err):
		out.Kind = model.ErrDenied
	case apierrors.IsConflict(err):
		out.Kind = model.ErrConflict
	}
	return out
}
