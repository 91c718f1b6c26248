package cli

import (
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/fairlead-cd/fairlead/internal/model"
	"github.com/fairlead-cd/fairlead/internal/output"
)

// Report tells a command's error on the talk stream, once, and gives the exit code. What was told
// already is not told again.
func Report(s *output.Streams, err error) int {
	code := ExitCode(err)
	if code == ExitYes || code == ExitNo || errors.Is(err, ErrSilent) {
		return code
	}
	paint := s.ErrPaint()
	if code == ExitInterrupted {
		fmt.Fprintln(s.Err, paint.Text(output.Quiet, "interrupted"))
		return code
	}
	fmt.Fprintf(s.Err, "%s %s\n", paint.Text(output.Bad, "error:"), output.CleanBlock(err.Error()))
	if next := nextStep(err); next != "" {
		fmt.Fprintf(s.Err, "%s  %s\n", paint.Text(output.Quiet, "next"), output.CleanBlock(next))
	}
	return code
}

// nextStep is what the reader of err can do about it, or "".
func nextStep(err error) string {
	var known *model.Error
	var usage *UsageError
	var dial *net.OpError
	var authority x509.UnknownAuthorityError
	switch {
	case errors.As(err, &known) && known.Next != "":
		return known.Next
	case errors.As(err, &usage):
		return usage.Command + " --help"
	case apierrors.IsForbidden(err):
		return "ask for the right the message names; kubectl auth can-i --list shows yours"
	case apierrors.IsUnauthorized(err):
		return "the credentials of this kubeconfig are not accepted: log in again, or choose another with --kubeconfig or --context"
	case errors.As(err, &authority):
		return "the kubeconfig belongs to another cluster, or to one that was made anew: fairlead info shows the current one's"
	case errors.Is(err, ErrTimeout):
		return "it may still succeed: fairlead status shows how it stands; --timeout gives it longer"
	case errors.As(err, &dial), errors.Is(err, os.ErrDeadlineExceeded), refused(err):
		return "is the cluster running? fairlead up starts the local one; --kubeconfig or --context name another"
	}
	return ""
}

// refused sees a failed connection in errors that lost their type on the way.
func refused(err error) bool {
	return strings.Contains(err.Error(), "connection refused") || strings.Contains(err.Error(), "no such host")
}
