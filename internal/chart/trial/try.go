package trial

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"

	"github.com/fairlead-cd/fairlead/internal/chart/check"
	"github.com/fairlead-cd/fairlead/internal/model"
	"github.com/fairlead-cd/fairlead/internal/pattern"
)

// atOnce is how many requests are under way together.
const atOnce = 8

// Try applies each object as a dry run.
func (s *Server) Try(ctx context.Context, objects []model.Object) ([]check.Verdict, error) {
	if s.version == "" {
		if err := s.prepare(ctx); err != nil {
			return nil, err
		}
	}
	verdicts, errs := make([]check.Verdict, len(objects)), make([]error, len(objects))
	places := make(chan struct{}, atOnce)
	var all sync.WaitGroup
	for i := range objects {
		all.Go(func() {
			places <- struct{}{}
			defer func() { <-places }()
			if ctx.Err() == nil {
				verdicts[i], errs[i] = s.try(ctx, &objects[i])
			}
		})
	}
	all.Wait()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return verdicts, errors.Join(errs...)
}

func (s *Server) try(ctx context.Context, o *model.Object) (check.Verdict, error) {
	if o.Key.Name == "" {
		return check.Verdict{Skipped: "its name is made by the server"}, nil
	}
	m, err := s.Mapper.RESTMapping(schema.GroupKind{Group: o.Key.Group, Kind: o.Key.Kind}, o.Version)
	if meta.IsNoMatchError(err) {
		return check.Verdict{Skipped: "the server does not know the kind"}, nil
	}
	if err != nil {
		return check.Verdict{}, fmt.Errorf("asking for the kind %s: %w", o.Key.Kind, err)
	}
	body, err := s.fit(o, m.Scope.Name() == meta.RESTScopeNameNamespace)
	if err != nil {
		return check.Verdict{}, err
	}
	var client dynamic.ResourceInterface = s.Dynamic.Resource(m.Resource)
	if m.Scope.Name() == meta.RESTScopeNameNamespace {
		client = s.Dynamic.Resource(m.Resource).Namespace(s.Namespace)
	}
	force := true
	_, err = client.Patch(ctx, o.Key.Name, types.ApplyPatchType, body, metav1.PatchOptions{
		DryRun: []string{metav1.DryRunAll}, FieldManager: "fairlead-chart-test", Force: &force, FieldValidation: metav1.FieldValidationStrict,
	})
	return judge(o, err)
}

// fit moves an object into the trial's namespace. Of a pod on its own what has to be there already is
// taken out: its account and its priority class come with the chart, or with the cluster.
func (s *Server) fit(o *model.Object, namespaced bool) ([]byte, error) {
	var body map[string]any
	if err := json.Unmarshal(o.Body, &body); err != nil {
		return nil, fmt.Errorf("reading %s: %w", o.Key.Short(), err)
	}
	md, _ := body["metadata"].(map[string]any)
	if md != nil {
		delete(md, "namespace")
		if namespaced {
			md["namespace"] = s.Namespace
		}
	}
	if o.Key.Group == "" && o.Key.Kind == "Pod" {
		if spec, ok := body["spec"].(map[string]any); ok {
			delete(spec, "serviceAccountName")
			delete(spec, "serviceAccount")
			delete(spec, "priorityClassName")
		}
	}
	return json.Marshal(body)
}

// judge reads the server's answer. An answer that says nothing about the object is an error.
func judge(o *model.Object, err error) (check.Verdict, error) {
	var status *apierrors.StatusError
	switch {
	case err == nil:
		return check.Verdict{}, nil
	case !errors.As(err, &status):
		return check.Verdict{}, fmt.Errorf("asking about %s: %w", o.Key.Short(), err)
	case apierrors.IsForbidden(err) && strings.Contains(status.ErrStatus.Message, `cannot `):
		return check.Verdict{Skipped: "you may not apply it there"}, nil
	case apierrors.IsInvalid(err) && status.ErrStatus.Details != nil && len(status.ErrStatus.Details.Causes) > 0:
		var v check.Verdict
		for _, c := range status.ErrStatus.Details.Causes {
			if aboutCluster.MatchString(c.Message) {
				v.Skipped = "this cluster cannot have it: " + c.Message
				continue
			}
			field := c.Field
			if field == "<nil>" {
				field = ""
			}
			v.Faults = append(v.Faults, check.Problem{Field: field, Message: c.Message})
		}
		if len(v.Faults) > 0 {
			v.Skipped = ""
		}
		return v, nil
	case apierrors.IsInvalid(err), apierrors.IsBadRequest(err), apierrors.IsForbidden(err), apierrors.IsInternalError(err) && o.Key.Kind != "":
		return check.Verdict{Faults: faults(o, status.ErrStatus.Message)}, nil
	}
	return check.Verdict{}, fmt.Errorf("asking about %s: %w", o.Key.Short(), err)
}

// aboutCluster are answers that say something of the cluster, not of the object: it has no IPv6, or
// someone has the port already.
var aboutCluster = pattern.New(`not configured on this cluster|provided (port|IP) is`)

var (
	strict = pattern.New(`(unknown|duplicate) field "([^"]+)"`)
	// typed is what server-side apply says of a field that it cannot merge:
	// `.spec.containers[name="web"].ports: field not declared in schema`.
	typed = pattern.New(`(?m)(?:^\s*|\): )((?:\.[A-Za-z0-9_$-]+|\[[^\]]*\])+): (.+)$`)
)

// faults takes a message apart that names fields.
func faults(o *model.Object, message string) []check.Problem {
	var all []check.Problem
	for _, m := range strict.FindAllStringSubmatch(message, -1) {
		all = append(all, check.Problem{Field: m[2], Message: m[1] + " field"})
	}
	if len(all) > 0 {
		return all
	}
	for _, m := range typed.FindAllStringSubmatch(message, -1) {
		all = append(all, check.Problem{Field: numbered(o, m[1]), Message: m[2]})
	}
	if len(all) > 0 {
		return all
	}
	return []check.Problem{{Message: message}}
}

var keyed = pattern.New(`\.?([A-Za-z0-9_$-]+)|\[(\d+)\]|\[([^\]]*)\]`)

// numbered writes a path with numbers for the elements of lists that server-side apply names by their
// keys.
func numbered(o *model.Object, path string) string {
	var value any
	if err := json.Unmarshal(o.Body, &value); err != nil {
		return ""
	}
	var out strings.Builder
	for _, m := range keyed.FindAllStringSubmatch(path, -1) {
		if m[1] != "" {
			if out.Len() > 0 {
				out.WriteByte('.')
			}
			out.WriteString(m[1])
			body, _ := value.(map[string]any)
			value = body[m[1]]
			continue
		}
		list, _ := value.([]any)
		i := position(list, m[2], m[3])
		if i < 0 {
			break
		}
		fmt.Fprintf(&out, "[%d]", i)
		value = list[i]
	}
	return out.String()
}

// position is the place of an element given as a number or as `name="web",port=80`; -1 is none.
func position(list []any, number, keys string) int {
	if n, err := strconv.Atoi(number); err == nil && n < len(list) {
		return n
	}
	for i, e := range list {
		body, ok := e.(map[string]any)
		all := ok && keys != ""
		for part := range strings.SplitSeq(keys, ",") {
			name, want, _ := strings.Cut(part, "=")
			if fmt.Sprint(body[name]) != strings.Trim(want, `"`) {
				all = false
			}
		}
		if all {
			return i
		}
	}
	return -1
}
