package controller

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/fairlead-cd/fairlead/internal/kube"
	"github.com/fairlead-cd/fairlead/internal/model"
	"github.com/fairlead-cd/fairlead/internal/record"
)

// Root is a folder of manifests in Git that is applied as it is.
type Root struct {
	Name   string
	URL    string
	Ref    string
	Paths  []string
	Prune  bool
	Secret string // in Config.Namespace
}

// ID names the root as a release.
func (r Root) ID() model.ReleaseID { return model.ReleaseID{Kind: model.KindRoot, Name: r.Name} }

// LabelRoot marks the ConfigMap a root's state is kept in; its value is the root's name.
const LabelRoot = "fairlead.dev/root"

// Keys of that ConfigMap.
const (
	rootRecord    = "record"    // JSON of the newest model.Record, without its inventory
	rootInventory = "inventory" // as record.EncodeInventory writes it
	rootStatus    = "status"    // JSON of RootStatus
)

// RootStatus is what is told of a root.
type RootStatus struct {
	URL        string               `json:"url"`
	Ref        string               `json:"ref,omitempty"`
	Paths      []string             `json:"paths"`
	Revision   int                  `json:"revision,omitempty"`
	Commit     string               `json:"commit,omitempty"`
	Status     string               `json:"status"` // Healthy, Progressing, Degraded, Failed, ...
	Message    string               `json:"message,omitempty"`
	Since      time.Time            `json:"since"`      // of Status
	ObservedAt time.Time            `json:"observedAt"` // of all of it
	Objects    int                  `json:"objects"`
	Problems   []model.ObjectHealth `json:"problems,omitempty"`
	Drift      []model.ObjectKey    `json:"drift,omitempty"`
}

// rootKind reads roots from the configuration and keeps their state in a ConfigMap each.
type rootKind struct {
	r *Reconciler

	mu    sync.Mutex
	state map[model.ReleaseID]rootState // as read at the start, and written since
}

type rootState struct {
	record *model.Record
	status RootStatus
}

func newRootKind(r *Reconciler) *rootKind {
	return &rootKind{r: r, state: map[model.ReleaseID]rootState{}}
}

func (k *rootKind) config(id model.ReleaseID) (Root, bool) {
	for _, root := range k.r.config.Roots {
		if root.ID() == id {
			return root, true
		}
	}
	return Root{}, false
}

// Read gives a root as a release. It is the administrator's word: always automated.
func (k *rootKind) Read(ctx context.Context, id model.ReleaseID) (ask, bool) {
	root, found := k.config(id)
	if !found {
		return ask{}, false
	}
	a := ask{Release: model.Release{
		ID: id, Name: root.Name, Namespace: k.r.config.Namespace, Renderer: model.RenderPlain,
		Source: model.Ref{Kind: model.SourceGit, URL: root.URL, Git: model.GitRef{Name: root.Ref}, Path: root.Paths[0], Files: root.Paths[1:]},
		Policy: model.Policy{Automated: true, SelfHeal: true, Prune: root.Prune},
	}}
	state, err := k.load(ctx, id)
	if err != nil {
		a.Err = err
		return a, true
	}
	if state.record != nil {
		a.History = []model.Record{*state.record}
	}
	a.Release.Source.Auth, a.Err = k.r.auth(ctx, id, root.URL, k.r.config.Namespace, root.Secret)
	return a, true
}

func configMapName(id model.ReleaseID) string { return "fairlead-root-" + id.Name }

var configMapKind = schema.GroupVersionKind{Version: "v1", Kind: "ConfigMap"}

// load reads a root's state once; this process alone writes it.
func (k *rootKind) load(ctx context.Context, id model.ReleaseID) (rootState, error) {
	k.mu.Lock()
	state, ok := k.state[id]
	k.mu.Unlock()
	if ok {
		return state, nil
	}
	raw, err := k.r.kube.Get(ctx, configMapKind, k.r.config.Namespace, configMapName(id))
	if err != nil && model.KindOf(err) != model.ErrNotFound {
		return state, fmt.Errorf("reading the state of root %q: %w", id.Name, err)
	}
	if err == nil {
		if state, err = decodeRoot(raw); err != nil {
			return state, fmt.Errorf("reading the state of root %q: %w", id.Name, err)
		}
	}
	k.keep(id, state)
	return state, nil
}

func (k *rootKind) keep(id model.ReleaseID, state rootState) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.state[id] = state
}

func decodeRoot(raw []byte) (rootState, error) {
	var cm struct{ Data map[string]string }
	var state rootState
	if err := json.Unmarshal(raw, &cm); err != nil {
		return state, err
	}
	if text := cm.Data[rootStatus]; text != "" {
		if err := json.Unmarshal([]byte(text), &state.status); err != nil {
			return state, fmt.Errorf("key %q: %w", rootStatus, err)
		}
	}
	text := cm.Data[rootRecord]
	if text == "" {
		return state, nil
	}
	state.record = &model.Record{}
	if err := json.Unmarshal([]byte(text), state.record); err != nil {
		return state, fmt.Errorf("key %q: %w", rootRecord, err)
	}
	var err error
	state.record.Inventory, err = record.DecodeInventory(cm.Data[rootInventory])
	return state, err
}

// Write keeps record and status in one request, and sends none when neither says anything new.
func (k *rootKind) Write(ctx context.Context, id model.ReleaseID, rep Report) error {
	root, _ := k.config(id)
	old, err := k.load(ctx, id)
	if err != nil {
		return err
	}
	state := rootState{record: rep.Last, status: statusOfRoot(root, old.status, rep)}
	if sameRoot(old, state) {
		return nil
	}
	body, err := encodeRoot(k.r.config.Namespace, id, state)
	if err != nil {
		return fmt.Errorf("writing the state of root %q: %w", id.Name, err)
	}
	_, err = k.r.kube.Apply(ctx, configMapKind, k.r.config.Namespace, configMapName(id), body,
		kube.ApplyOptions{Manager: model.FieldManager, Force: true})
	if err != nil {
		return fmt.Errorf("writing the state of root %q: %w", id.Name, err)
	}
	k.keep(id, state)
	return nil
}

func statusOfRoot(root Root, old RootStatus, rep Report) RootStatus {
	s := RootStatus{
		URL: root.URL, Ref: root.Ref, Paths: root.Paths, ObservedAt: rep.At, Drift: rep.Drift,
		Status: string(rep.Health.Status), Message: rep.Health.Message,
	}
	if rep.Last != nil {
		s.Revision, s.Commit, s.Objects = rep.Last.Revision, rep.Last.Source.Commit, len(rep.Last.Inventory)
	}
	if rep.Artifact.Revision.Commit != "" && rep.Err == nil {
		s.Commit = rep.Artifact.Revision.Commit
	}
	switch {
	case rep.Err != nil:
		s.Status, s.Message = "Failed", rep.Err.Error()
	case rep.Last != nil && rep.Last.Status == model.RecordFailed:
		s.Status, s.Message = "Failed", rep.Last.Description
	case rep.Running:
		s.Status = string(model.Progressing)
	}
	for _, o := range rep.Objects {
		if o.Health.Status != model.Healthy && len(s.Problems) < maxProblems {
			s.Problems = append(s.Problems, o)
		}
	}
	s.Since = rep.At
	if old.Status == s.Status {
		s.Since = old.Since
	}
	return s
}

// maxProblems bounds a root's status; the objects tell the rest themselves.
const maxProblems = 20

// sameRoot reports whether writing would tell nothing new. When it was observed counts only once
// what was told is old.
func sameRoot(a, b rootState) bool {
	sa, sb := a.status, b.status
	age := sb.ObservedAt.Sub(sa.ObservedAt)
	sa.ObservedAt, sb.ObservedAt = time.Time{}, time.Time{}
	ra, invA := withoutInventory(a.record)
	rb, invB := withoutInventory(b.record)
	if age < 0 || a.status.Status == "" || !slices.Equal(invA, invB) {
		return false
	}
	ja, errA := json.Marshal([]any{sa, ra})
	jb, errB := json.Marshal([]any{sb, rb})
	return errA == nil && errB == nil && string(ja) == string(jb)
}

func withoutInventory(rec *model.Record) (*model.Record, model.Inventory) {
	if rec == nil {
		return nil, nil
	}
	short := *rec
	short.Inventory = nil
	return &short, rec.Inventory
}

func encodeRoot(namespace string, id model.ReleaseID, state rootState) ([]byte, error) {
	data := map[string]string{}
	status, err := json.Marshal(state.status)
	if err != nil {
		return nil, err
	}
	data[rootStatus] = string(status)
	if state.record != nil {
		rec, inventory := withoutInventory(state.record)
		if data[rootInventory], err = record.EncodeInventory(inventory); err != nil {
			return nil, err
		}
		text, err := json.Marshal(rec)
		if err != nil {
			return nil, err
		}
		data[rootRecord] = string(text)
	}
	return json.Marshal(map[string]any{
		"apiVersion": "v1", "kind": "ConfigMap",
		"metadata": map[string]any{
			"name": configMapName(id), "namespace": namespace, "labels": map[string]string{LabelRoot: id.Name},
		},
		"data": data,
	})
}

// Gone never uninstalls: taking a root out of the configuration leaves what it applied.
func (k *rootKind) Gone(context.Context, model.ReleaseID) ([]departed, error) { return nil, nil }
