package apply_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/fairlead-cd/fairlead/internal/apply"
	"github.com/fairlead-cd/fairlead/internal/model"
)

// refusal is an answer of the API server.
func refusal(code int32, reason metav1.StatusReason, message, retryAfter string) *http.Response {
	body, _ := json.Marshal(metav1.Status{
		TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Status"},
		Status:   metav1.StatusFailure, Code: code, Reason: reason, Message: message,
	})
	h := http.Header{"Content-Type": {"application/json"}}
	if retryAfter != "" {
		h.Set("Retry-After", retryAfter)
	}
	return &http.Response{StatusCode: int(code), Header: h, Body: io.NopCloser(strings.NewReader(string(body)))}
}

func TestRetry(t *testing.T) {
	for _, tc := range []struct {
		name   string
		answer func() (*http.Response, error)
		tries  int // of which the last succeeds; 1: it is not tried again
		kind   model.ErrorKind
	}{
		{"busy", func() (*http.Response, error) {
			return refusal(429, metav1.StatusReasonTooManyRequests, "slow down", "0"), nil
		}, 3, ""},
		{"unavailable", func() (*http.Response, error) {
			return refusal(503, metav1.StatusReasonServiceUnavailable, "not now", ""), nil
		}, 3, ""},
		{"etcd", func() (*http.Response, error) { return refusal(500, "", "etcdserver: request timed out", ""), nil }, 3, ""},
		{"refused connection", func() (*http.Response, error) { return nil, syscall.ECONNREFUSED }, 3, ""},
		{"reset connection", func() (*http.Response, error) { return nil, syscall.ECONNRESET }, 3, ""},
		{"webhook", func() (*http.Response, error) {
			return refusal(500, metav1.StatusReasonInternalError, `failed calling webhook "a": connection refused`, ""), nil
		}, 3, ""},
		{"lost race", func() (*http.Response, error) {
			return refusal(409, metav1.StatusReasonConflict, "the object has been modified", ""), nil
		}, 3, ""},
		{"denied", func() (*http.Response, error) {
			return refusal(403, metav1.StatusReasonForbidden, `admission webhook "a" denied the request: no`, ""), nil
		}, 1, model.ErrDenied},
		{"unauthorized", func() (*http.Response, error) {
			return refusal(401, metav1.StatusReasonUnauthorized, "Unauthorized", ""), nil
		}, 1, model.ErrDenied},
	} {
		t.Run(strings.ReplaceAll(tc.name, " ", "-"), func(t *testing.T) {
			l := newLine(t)
			var tries atomic.Int32
			l.count.spoilt(func(*http.Request) (*http.Response, error) {
				if n := tries.Add(1); tc.tries == 1 || int(n) < tc.tries {
					return tc.answer()
				}
				return nil, nil
			})
			_, _, err := l.run(configMap("a", ""))
			if model.KindOf(err) != tc.kind || (err == nil) != (tc.kind == "") {
				t.Errorf("error %v", err)
			}
			if int(tries.Load()) != tc.tries {
				t.Errorf("tried %d times, want %d", tries.Load(), tc.tries)
			}
		})
	}
}

// TestPartialResults lets one object of a phase fail: its phase goes on, later ones do not start.
func TestPartialResults(t *testing.T) {
	l := newLine(t)
	manifests := strings.Replace(app, "port: 80, targetPort", "port: 99999, targetPort", 1)
	p, results, err := l.run(manifests)
	if err == nil || len(results) != len(p.Changes()) {
		t.Fatalf("error %v, %d results for %d changes", err, len(results), len(p.Changes()))
	}
	for _, r := range results {
		switch r.Change.Key.Kind {
		case "Service":
			if r.Err == nil || r.Skipped {
				t.Errorf("%+v", r)
			}
		case "Deployment":
			if !r.Skipped || r.Err != nil {
				t.Errorf("%+v", r)
			}
		default:
			if r.Err != nil || r.Skipped || r.Fields == "" && r.Change.Key.Kind != "ServiceAccount" {
				t.Errorf("%+v", r)
			}
		}
	}
	if len(l.inventory) != 2 {
		t.Errorf("inventory %v", l.inventory)
	}
	// The next run finishes, and costs what was left.
	if _, requests := l.sync(app); len(requests) != 2 {
		t.Errorf("the next run costs %v", requests)
	}
}

func TestCanceled(t *testing.T) {
	l := newLine(t)
	p, err := l.plan(app)
	must(t, err)
	ctx, cancel := context.WithCancelCause(l.ctx)
	cancel(errors.New("a newer request came"))
	l.count.take()
	results, err := l.applier.Execute(ctx, p, nil)
	if err == nil || !strings.Contains(err.Error(), "a newer request came") || len(l.count.take()) != 0 {
		t.Errorf("error %v", err)
	}
	for _, r := range results {
		if !r.Skipped {
			t.Errorf("%+v", r)
		}
	}
}

// TestServiceAccount applies with the rights of an account that may do less than Fairlead.
func TestServiceAccount(t *testing.T) {
	l := newLine(t)
	ns := l.release.Namespace
	_, err := l.others.RbacV1().Roles(ns).Create(l.ctx, &rbacv1.Role{
		ObjectMeta: metav1.ObjectMeta{Name: "deployer"},
		Rules:      []rbacv1.PolicyRule{{APIGroups: []string{""}, Resources: []string{"configmaps"}, Verbs: []string{"create", "patch", "delete"}}},
	}, metav1.CreateOptions{})
	must(t, err)
	_, err = l.others.RbacV1().RoleBindings(ns).Create(l.ctx, &rbacv1.RoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: "deployer"},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: "deployer"},
		Subjects:   []rbacv1.Subject{{Kind: "ServiceAccount", Namespace: ns, Name: "deployer"}},
	}, metav1.CreateOptions{})
	must(t, err)
	own := l.applier
	l.applier, err = own.As(ns + "/deployer")
	must(t, err)
	l.until("the rights are known", func() bool { _, _, err := l.run(configMap("a", "")); return err == nil })
	if _, _, err := l.run(configMap("a", "") + strings.Replace(volumeClaim, "---\n", "---\n", 1)); model.KindOf(err) != model.ErrDenied {
		t.Errorf("what the account may not do: %v", err)
	}
	if actions, _ := l.sync(""); actions["ConfigMap/a"] != model.ActionPrune {
		t.Errorf("%v", actions)
	}
	for _, bad := range []string{"deployer", "/deployer", "a/b/c", "a/", "system:masters/x", "a/b:c"} {
		if _, err := own.As(bad); err == nil {
			t.Errorf("%q is taken for a service account", bad)
		}
	}
	var same *apply.Applier
	if same, err = own.As(""); err != nil || same != own {
		t.Errorf("no account: %v, %v", same, err)
	}
}
