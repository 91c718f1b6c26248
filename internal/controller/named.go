package controller

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/fairlead-cd/fairlead/internal/model"
)

// named reads the Secrets and ConfigMaps that requests name, keeps their content until the watch
// says that it changed, and knows which releases named them.
type named struct {
	client interface {
		Get(ctx context.Context, gvk schema.GroupVersionKind, ns, name string) ([]byte, error)
	}

	mu      sync.Mutex
	content map[model.ObjectKey]map[string][]byte // nil content: known not to exist
	epoch   map[model.ObjectKey]int               // counts changes, so that a read that was overtaken is not kept
	users   map[model.ObjectKey]map[model.ReleaseID]bool
	uses    map[model.ReleaseID]map[model.ObjectKey]bool
}

var errNoObject = errors.New("does not exist")

// Begin forgets what a release named before: a turn names everything anew.
func (n *named) Begin(id model.ReleaseID) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for key := range n.uses[id] {
		delete(n.users[key], id) // the content stays: it is most likely named again
	}
	delete(n.uses, id)
}

// Forget is Begin for a release that is gone: what nobody else named is not kept.
func (n *named) Forget(id model.ReleaseID) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for key := range n.uses[id] {
		n.leave(key, id)
	}
	delete(n.uses, id)
}

func (n *named) leave(key model.ObjectKey, id model.ReleaseID) {
	delete(n.users[key], id)
	if len(n.users[key]) == 0 {
		delete(n.users, key)
		delete(n.content, key)
		delete(n.epoch, key)
	}
}

// Data is the content of a Secret or ConfigMap, binary data included. The error is errNoObject
// when it does not exist; it will be asked for again when it comes.
func (n *named) Data(ctx context.Context, id model.ReleaseID, key model.ObjectKey) (map[string][]byte, error) {
	n.mu.Lock()
	n.use(id, key)
	data, cached := n.content[key]
	epoch := n.epoch[key]
	n.mu.Unlock()
	if !cached {
		var err error
		if data, err = n.read(ctx, key); err != nil {
			return nil, err
		}
		n.mu.Lock()
		if n.epoch[key] == epoch {
			n.content[key] = data
		}
		n.mu.Unlock()
	}
	if data == nil {
		return nil, errNoObject
	}
	return data, nil
}

func (n *named) use(id model.ReleaseID, key model.ObjectKey) {
	if n.content == nil {
		n.content = map[model.ObjectKey]map[string][]byte{}
		n.epoch = map[model.ObjectKey]int{}
		n.users = map[model.ObjectKey]map[model.ReleaseID]bool{}
		n.uses = map[model.ReleaseID]map[model.ObjectKey]bool{}
	}
	if n.users[key] == nil {
		n.users[key] = map[model.ReleaseID]bool{}
	}
	if n.uses[id] == nil {
		n.uses[id] = map[model.ObjectKey]bool{}
	}
	n.users[key][id], n.uses[id][key] = true, true
}

// Changed drops what is known of an object and says who named it.
func (n *named) Changed(key model.ObjectKey) []model.ReleaseID {
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.content, key)
	if len(n.users[key]) == 0 {
		delete(n.users, key)
		return nil
	}
	n.epoch[key]++ // only for objects in use, or every Secret of the cluster would be counted
	ids := make([]model.ReleaseID, 0, len(n.users[key]))
	for id := range n.users[key] {
		ids = append(ids, id)
	}
	return ids
}

// read gets an object's data; nil data and no error is an object that does not exist.
func (n *named) read(ctx context.Context, key model.ObjectKey) (map[string][]byte, error) {
	raw, err := n.client.Get(ctx, schema.GroupVersionKind{Version: "v1", Kind: key.Kind}, key.Namespace, key.Name)
	if model.KindOf(err) == model.ErrNotFound {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading %s %s/%s: %w", key.Kind, key.Namespace, key.Name, err)
	}
	if key.Kind == "Secret" {
		var s struct{ Data map[string][]byte }
		if err := json.Unmarshal(raw, &s); err != nil {
			return nil, fmt.Errorf("reading Secret %s/%s: its data cannot be decoded", key.Namespace, key.Name)
		}
		return orEmpty(s.Data), nil
	}
	var cm struct {
		Data       map[string]string
		BinaryData map[string][]byte
	}
	if err := json.Unmarshal(raw, &cm); err != nil {
		return nil, fmt.Errorf("reading ConfigMap %s/%s: %w", key.Namespace, key.Name, err)
	}
	data := orEmpty(cm.BinaryData)
	for k, v := range cm.Data {
		data[k] = []byte(v)
	}
	return data, nil
}

func orEmpty(m map[string][]byte) map[string][]byte {
	if m == nil {
		return map[string][]byte{}
	}
	return m
}

// Auth reads the Secret with a source's credential. The keys are those Flux, Argo CD and
// Kubernetes' own Secret types use.
func (n *named) Auth(ctx context.Context, id model.ReleaseID, namespace, name string) (*model.Auth, error) {
	data, err := n.Data(ctx, id, model.ObjectKey{Kind: "Secret", Namespace: namespace, Name: name})
	if errors.Is(err, errNoObject) {
		return nil, &model.Error{
			Kind: model.ErrDenied, Reason: "CredentialNotFound", Object: model.ObjectKey{Kind: "Secret", Namespace: namespace, Name: name},
			Msg: "the Secret with the source's credential does not exist", Next: fmt.Sprintf("create Secret %q in namespace %q", name, namespace),
		}
	}
	if err != nil {
		return nil, err
	}
	pick := func(keys ...string) []byte {
		for _, k := range keys {
			if v := data[k]; len(v) > 0 {
				return v
			}
		}
		return nil
	}
	a := &model.Auth{
		Username: string(pick("username")), Password: string(pick("password")),
		Token:  string(pick("bearerToken", "token")),
		SSHKey: pick("identity", "ssh-privatekey", "sshPrivateKey"), KnownHosts: pick("known_hosts"),
		CA: pick("ca.crt", "caFile"),
	}
	parts := [][]byte{[]byte(a.Username), []byte(a.Password), []byte(a.Token), a.SSHKey, a.KnownHosts, a.CA}
	a.ID = model.Digest(parts...)
	return a, nil
}
