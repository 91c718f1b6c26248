package cli

import (
	"context"
	"errors"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/fairlead-cd/fairlead/internal/model"
)

// The exit codes. Scripts depend on them; `fairlead help exit-codes` prints them.
const (
	ExitYes         = 0
	ExitNo          = 1 // the answer is no: a difference, something unhealthy, findings
	ExitError       = 2 // wrong usage, or something did not work
	ExitFailed      = 3 // the deployment failed
	ExitDenied      = 4
	ExitConflict    = 5
	ExitTimeout     = 124 // as timeout(1)
	ExitInterrupted = 130 // as a shell reports SIGINT
)

// ErrNo says that the command worked and its answer is no. The answer was printed.
var ErrNo = errors.New("no")

// ErrFailed says that a deployment failed and that its report was printed.
var ErrFailed = errors.New("the deployment failed")

// ErrTimeout says that something was not done when its time was up.
var ErrTimeout = errors.New("timed out")

// ErrSilent marks an error that was told already; wrap it beside the cause.
var ErrSilent = errors.New("told already")

// UsageError is a command that cannot be understood.
type UsageError struct {
	Command string // "fairlead get"
	Err     error
}

// Error is the error without the hint.
func (e *UsageError) Error() string { return e.Err.Error() }

// Unwrap gives the cause.
func (e *UsageError) Unwrap() error { return e.Err }

// Usagef makes a UsageError of a command.
func Usagef(command, format string, args ...any) error {
	return &UsageError{Command: command, Err: fmt.Errorf(format, args...)}
}

// ExitCode is the exit code that tells err to a script. This is the only place that knows.
func ExitCode(err error) int {
	var usage *UsageError
	switch {
	case err == nil:
		return ExitYes
	case errors.Is(err, ErrNo):
		return ExitNo
	case errors.Is(err, ErrFailed):
		return ExitFailed
	case errors.As(err, &usage):
		return ExitError
	case errors.Is(err, ErrTimeout), errors.Is(err, context.DeadlineExceeded):
		return ExitTimeout
	case errors.Is(err, context.Canceled):
		return ExitInterrupted
	}
	switch model.KindOf(err) {
	case model.ErrDenied:
		return ExitDenied
	case model.ErrConflict:
		return ExitConflict
	}
	switch {
	case apierrors.IsForbidden(err), apierrors.IsUnauthorized(err):
		return ExitDenied
	case apierrors.IsConflict(err):
		return ExitConflict
	}
	return ExitError
}
