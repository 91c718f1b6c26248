package cli

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/fairlead-cd/fairlead/internal/model"
	"github.com/fairlead-cd/fairlead/internal/output"
)

var secrets = schema.GroupResource{Resource: "secrets"}

func TestExitCode(t *testing.T) {
	for name, tt := range map[string]struct {
		err  error
		want int
	}{
		"done":             {nil, 0},
		"no":               {ErrNo, 1},
		"usage":            {Usagef("fairlead get", "bad"), 2},
		"anything else":    {errors.New("boom"), 2},
		"not found":        {&model.Error{Kind: model.ErrNotFound}, 2},
		"deploy failed":    {errors.Join(ErrFailed, ErrSilent, context.Canceled), 3},
		"denied":           {fmt.Errorf("fetching: %w", &model.Error{Kind: model.ErrDenied}), 4},
		"forbidden":        {fmt.Errorf("listing: %w", apierrors.NewForbidden(secrets, "", nil)), 4},
		"unauthorized":     {apierrors.NewUnauthorized("no"), 4},
		"conflict":         {&model.Error{Kind: model.ErrConflict}, 5},
		"conflict in API":  {apierrors.NewConflict(secrets, "a", nil), 5},
		"timeout":          {fmt.Errorf("waiting: %w", ErrTimeout), 124},
		"deadline":         {fmt.Errorf("waiting: %w", context.DeadlineExceeded), 124},
		"interrupted":      {fmt.Errorf("waiting: %w", context.Canceled), 130},
		"usage, cancelled": {&UsageError{Err: context.Canceled}, 2},
	} {
		if got := ExitCode(tt.err); got != tt.want {
			t.Errorf("%s: exit code of %v is %d, want %d", name, tt.err, got, tt.want)
		}
	}
}

func TestReport(t *testing.T) {
	refused := &net.OpError{Op: "dial", Err: errors.New("connection refused")}
	for name, tt := range map[string]struct {
		err  error
		want string
	}{
		"nothing":      {nil, ""},
		"no":           {ErrNo, ""},
		"told already": {errors.Join(ErrFailed, ErrSilent), ""},
		"interrupted":  {context.Canceled, "interrupted\n"},
		"with a next step": {
			fmt.Errorf("syncing dev/web: %w", &model.Error{Msg: "no such chart", Next: "look at spec.chart"}),
			"error: syncing dev/web: no such chart\nnext  look at spec.chart\n",
		},
		"usage":     {Usagef("fairlead get", "unknown flag: --x"), "error: unknown flag: --x\nnext  fairlead get --help\n"},
		"no server": {fmt.Errorf("listing: %w", refused), "error: listing: dial: connection refused\nnext  is the cluster running? fairlead up starts the local one; --kubeconfig or --context name another\n"},
		"plain":     {errors.New("boom\x1b[2J"), "error: boom\uFFFD[2J\n"},
	} {
		var b strings.Builder
		Report(output.NewBuffers(nil, &b, output.Env{}), tt.err)
		if b.String() != tt.want {
			t.Errorf("%s:\n%s\nwant\n%s", name, b.String(), tt.want)
		}
	}
}
