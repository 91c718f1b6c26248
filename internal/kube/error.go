package kube

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"

	"github.com/fairlead-cd/fairlead/internal/model"
	"github.com/fairlead-cd/fairlead/internal/pattern"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Reasons of errors that users meet. They end up in conditions.
const (
	ReasonUnknownKind          = "UnknownKind"
	ReasonUnknownField         = "UnknownField"
	ReasonImmutableField       = "ImmutableField"
	ReasonInvalidObject        = "InvalidObject"
	ReasonForbidden            = "Forbidden"
	ReasonQuotaExceeded        = "QuotaExceeded"
	ReasonAdmissionDenied      = "AdmissionDenied"
	ReasonWebhookUnavailable   = "WebhookUnavailable"
	ReasonNamespaceNotFound    = "NamespaceNotFound"
	ReasonNamespaceTerminating = "NamespaceTerminating"
	ReasonFieldConflict        = "FieldConflict"
	ReasonChanged              = "Changed" // a precondition (UID, resourceVersion) did not hold
	ReasonNotFound             = "NotFound"
	ReasonTooLarge             = "TooLarge" // more than was to be read
	ReasonUnreachable          = "ServerUnreachable"
	ReasonServerError          = "ServerError"
)

// describe turns an error of a request into a *model.Error that says what to do, wrapped in what was
// being done. Errors of the context stay what they are. No value of a Secret gets into the text.
func describe(doing string, key model.ObjectKey, err error) error {
	if err == nil {
		return nil
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("%s: %w", doing, err)
	}
	var status *apierrors.StatusError
	if !errors.As(err, &status) {
		return unreachable(doing, key, err)
	}
	e := &model.Error{Object: key}
	classify(e, status.ErrStatus)
	if key.Kind == "Secret" && key.Group == "" {
		e.Msg = maskSecret(e.Msg, status.ErrStatus)
	}
	return &refusal{doing: doing, told: e, status: status}
}

// refusal is an answer of the API server: errors.As finds both what it means for a user and the
// status it came from, of which no message is made.
type refusal struct {
	doing  string
	told   *model.Error
	status *apierrors.StatusError
}

func (r *refusal) Error() string   { return r.doing + ": " + r.told.Error() }
func (r *refusal) Unwrap() []error { return []error{r.told, r.status} }

func unreachable(doing string, key model.ObjectKey, err error) error {
	var ue *url.Error
	var ne net.Error
	if !errors.As(err, &ue) && !errors.As(err, &ne) && !isStreamError(err) {
		return fmt.Errorf("%s: %w", doing, err)
	}
	if ue != nil {
		err = ue.Err // its URL says nothing to a user
	}
	return fmt.Errorf("%s: %w", doing, &model.Error{
		Kind: model.ErrTransient, Reason: ReasonUnreachable, Object: key, Msg: "the API server cannot be reached", Err: err,
	})
}

// isStreamError recognizes a connection that broke in the middle of an answer; its types differ
// between HTTP versions and are not exported.
func isStreamError(err error) bool {
	s := err.Error()
	for _, part := range []string{"EOF", "connection reset", "connection refused", "http2: ", "stream error", "GOAWAY", "broken pipe"} {
		if strings.Contains(s, part) {
			return true
		}
	}
	return false
}

// classify fills in what a Status means for a user.
func classify(e *model.Error, s metav1.Status) {
	e.Msg = s.Message
	switch {
	case s.Reason == metav1.StatusReasonNotFound:
		classifyNotFound(e, s)
	case s.Reason == metav1.StatusReasonForbidden:
		classifyForbidden(e, s)
	case s.Reason == metav1.StatusReasonUnauthorized:
		e.Kind, e.Reason = model.ErrDenied, "Unauthorized"
		e.Next = "check the credentials of the kubeconfig or the service account's token"
	case s.Reason == metav1.StatusReasonInvalid:
		classifyInvalid(e, s)
	case s.Reason == metav1.StatusReasonConflict:
		e.Kind, e.Reason = model.ErrConflict, ReasonChanged
		if causeOf(s, metav1.CauseTypeFieldManagerConflict) != nil {
			e.Reason = ReasonFieldConflict
		}
	case s.Reason == metav1.StatusReasonAlreadyExists:
		e.Kind, e.Reason = model.ErrConflict, "AlreadyExists"
	case strings.Contains(s.Message, "failed to create typed patch object"), strings.Contains(s.Message, "error decoding YAML"):
		// The server answers an unknown field in an apply with 500 (structured-merge-diff).
		classifySchema(e, s)
	case unconvertible.MatchString(s.Message):
		e.Kind, e.Reason = model.ErrInvalid, ReasonInvalidObject
		e.Msg = conversion.ReplaceAllString(s.Message, "")
	case strings.Contains(s.Message, "failed calling webhook"):
		e.Kind, e.Reason = model.ErrTransient, ReasonWebhookUnavailable
		e.Next = "see whether the pods behind the webhook run"
	case strings.Contains(s.Message, "denied the request"):
		e.Kind, e.Reason = model.ErrDenied, ReasonAdmissionDenied
	case s.Code == 429 || s.Code >= 500:
		e.Kind, e.Reason = model.ErrTransient, ReasonServerError
	default: // 400, 405, 413, 415
		e.Kind, e.Reason = model.ErrInvalid, ReasonInvalidObject
	}
}

func classifyNotFound(e *model.Error, s metav1.Status) {
	e.Kind, e.Reason = model.ErrNotFound, ReasonNotFound
	switch {
	case s.Details == nil || s.Details.Name == "":
		e.Kind, e.Reason = model.ErrInvalid, ReasonUnknownKind
		e.Msg = "the cluster does not serve this kind (any more)"
		e.Next = "install its CustomResourceDefinition first, or correct apiVersion and kind"
	case s.Details.Kind == "namespaces" && e.Object.Kind != "Namespace":
		e.Reason = ReasonNamespaceNotFound
		e.Msg = fmt.Sprintf("namespace %q does not exist", s.Details.Name)
		e.Next = "create the namespace, or let the release create it"
	}
}

func classifyForbidden(e *model.Error, s metav1.Status) {
	e.Kind, e.Reason = model.ErrDenied, ReasonForbidden
	switch {
	case causeOf(s, corev1.NamespaceTerminatingCause) != nil:
		e.Kind, e.Reason = model.ErrConflict, ReasonNamespaceTerminating
		e.Msg = "its namespace is being deleted"
		e.Next = "wait until the namespace is gone, and see what keeps it: kubectl get namespace -o yaml"
	case strings.Contains(s.Message, "exceeded quota") || strings.Contains(s.Message, "failed quota"):
		e.Reason = ReasonQuotaExceeded
		e.Next = "raise the ResourceQuota or lower what is asked for"
	case strings.Contains(s.Message, "denied the request") || strings.Contains(s.Message, "denied request"):
		e.Reason = ReasonAdmissionDenied
	case strings.Contains(s.Message, " cannot "):
		e.Next = "grant the named user these rights with a Role and a RoleBinding"
	}
}

func classifyInvalid(e *model.Error, s metav1.Status) {
	e.Kind, e.Reason = model.ErrInvalid, ReasonInvalidObject
	if s.Details == nil || len(s.Details.Causes) == 0 {
		return
	}
	parts := make([]string, 0, len(s.Details.Causes))
	seen := map[string]bool{}
	for _, c := range s.Details.Causes {
		message, _, _ := strings.Cut(c.Message, "\n") // of a pod, what follows is all of it, values too
		part := shorten(message)
		if c.Field != "" {
			part = c.Field + ": " + part
		} else if strings.Contains(c.Message, "denied request") { // a ValidatingAdmissionPolicy's
			e.Kind, e.Reason = model.ErrDenied, ReasonAdmissionDenied
		}
		if !seen[part] {
			parts = append(parts, part)
		}
		seen[part] = true
		if strings.Contains(c.Message, "immutable") || strings.Contains(c.Message, "may not be changed") ||
			strings.Contains(c.Message, "are forbidden") || strings.Contains(c.Message, "may not change once set") ||
			strings.Contains(c.Message, "may not change fields other than") || strings.Contains(c.Message, "cannot change roleRef") {
			e.Reason = ReasonImmutableField
			e.Next = "the field cannot be changed in place: delete the object and sync again (fairlead deploy --recreate KIND/NAME does both), or give it another name"
		}
	}
	e.Msg = strings.Join(parts, "; ")
}

// What the server's messages say around what a user wants to know.
var (
	typedPatch = pattern.New(`^failed to create typed patch object \([^)]*\): ?(?:errors:\s*)?`)
	conversion = pattern.New(`^failed to convert [^)]*\) to proper version: `)
	// From structured-merge-diff: `.spec.containers[name="a"].env: duplicate entries for key [name="B"]`.
	duplicateKey = pattern.New(`([A-Za-z]+): duplicate entries for key \[([^\]]*)\]`)
	goValue      = pattern.New(`&value\.valueUnstructured\{Value:(.*?)\}`)
)

// unconvertible are values that fit the schema and not the Go type behind it; the server answers
// them with 500 as well.
var unconvertible = pattern.New(`illegal base64|quantities must match|unable to convert|cannot unmarshal|` +
	`unable to parse|parsing time|cannot restore|cannot convert|strict decoding|invalid duration`)

// classifySchema names the fields of an apply that the kind's schema does not have.
func classifySchema(e *model.Error, s metav1.Status) {
	e.Kind, e.Reason = model.ErrInvalid, ReasonInvalidObject
	e.Msg = strings.Join(strings.Fields(typedPatch.ReplaceAllString(s.Message, "")), " ")
	e.Msg = goValue.ReplaceAllString(e.Msg, "$1")
	if strings.Contains(e.Msg, "field not declared in schema") {
		e.Reason = ReasonUnknownField
		e.Next = "correct the field's name or its place"
	}
	// A list whose entries have a key is merged by it, so that each may be there once; an update, which is
	// what Helm 3 sends, takes them all, and what reads them decides.
	if m := duplicateKey.FindStringSubmatch(e.Msg); m != nil {
		e.Next = "remove all but one of the entries that are the same in " + m[2]
		if m[1] == "env" {
			e.Next = "remove one of the two: where both are taken, as by Helm 3, the container gets the last one"
		}
	}
}

// badValue is how validation quotes the offending value: `Invalid value: {...}: text`.
var badValue = pattern.New(`(?s)^(Invalid value|Unsupported value|Duplicate value): (.*): `)

// shorten leaves out the dump of a whole object that validation puts into a message; short values
// help and stay.
func shorten(msg string) string {
	m := badValue.FindStringSubmatch(msg)
	if m == nil || len(m[2]) <= 80 {
		return msg
	}
	return m[1] + ": " + msg[len(m[0]):]
}

// maskSecret says what is wrong with a Secret without quoting it: messages of the server contain
// values.
func maskSecret(msg string, s metav1.Status) string {
	if s.Reason == metav1.StatusReasonInvalid && s.Details != nil && len(s.Details.Causes) > 0 {
		parts := make([]string, 0, len(s.Details.Causes))
		for _, c := range s.Details.Causes {
			text := string(c.Type)
			if strings.Contains(c.Message, "immutable") {
				text = "field is immutable"
			}
			if c.Field != "" {
				text = c.Field + ": " + text
			}
			parts = append(parts, text)
		}
		return strings.Join(parts, "; ")
	}
	if i := strings.Index(msg, ", got "); i >= 0 {
		return msg[:i] + ", got something else"
	}
	switch {
	case strings.Contains(msg, "field not declared in schema"):
	case strings.Contains(msg, "illegal base64"):
		return "data is not base64"
	case unconvertible.MatchString(msg) || s.Code == 400 || s.Code == 422:
		return "the API server does not take its content"
	}
	return msg
}

func causeOf(s metav1.Status, t metav1.CauseType) *metav1.StatusCause {
	if s.Details == nil {
		return nil
	}
	for i := range s.Details.Causes {
		if s.Details.Causes[i].Type == t {
			return &s.Details.Causes[i]
		}
	}
	return nil
}

// RetryAfter is how long the server asked to wait before a failed request is sent again, in
// seconds; ok is false when it did not.
func RetryAfter(err error) (seconds int, ok bool) {
	var r *refusal
	if !errors.As(err, &r) {
		return 0, false
	}
	return apierrors.SuggestsClientDelay(r.status)
}
