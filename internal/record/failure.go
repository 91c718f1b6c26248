package record

import (
	"context"
	"errors"
	"fmt"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/fairlead-cd/fairlead/internal/model"
)

// failure says what was being done when the API server refused or could not be reached, and what
// may be done about it. The server's messages about Secrets name them and never quote them.
func failure(doing, namespace, name string, err error) error {
	doing = fmt.Sprintf("%s release %s/%s", doing, namespace, name)
	e := &model.Error{Kind: model.ErrTransient, Reason: "RecordUnavailable", Msg: doing, Err: err}
	switch {
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("%s: %w", doing, err)
	case apierrors.HasStatusCause(err, "NamespaceTerminating"):
		e.Kind, e.Reason = model.ErrConflict, "NamespaceTerminating"
		e.Next = "wait until the namespace is gone"
	case apierrors.IsNotFound(err):
		e.Kind, e.Reason = model.ErrNotFound, "RecordNotFound"
	case apierrors.IsForbidden(err), apierrors.IsUnauthorized(err):
		e.Kind, e.Reason = model.ErrDenied, "RecordDenied"
		e.Next = "let Fairlead read and write Secrets in namespace " + namespace
		if text := err.Error(); strings.Contains(text, "exceeded quota") || strings.Contains(text, "failed quota") {
			e.Reason, e.Next = "QuotaExceeded", "raise the ResourceQuota on Secrets in namespace "+namespace+": each revision is recorded in one"
		}
	case apierrors.IsAlreadyExists(err), apierrors.IsConflict(err):
		e.Kind, e.Reason = model.ErrConflict, "RecordConflict"
	case apierrors.IsInvalid(err), apierrors.IsBadRequest(err), apierrors.IsRequestEntityTooLargeError(err):
		e.Kind, e.Reason = model.ErrInvalid, "RecordRefused"
	}
	return e
}

func notFound(namespace, name string, revision int) error {
	msg := fmt.Sprintf("release %s/%s has no record", namespace, name)
	if revision > 0 {
		msg = fmt.Sprintf("release %s/%s has no revision %d", namespace, name, revision)
	}
	return &model.Error{Kind: model.ErrNotFound, Reason: "RecordNotFound", Msg: msg}
}
