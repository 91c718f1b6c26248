package controller

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/fairlead-cd/fairlead/internal/model"
)

// shelf serves objects; before, if set, is called once in the middle of a read.
type shelf struct {
	objects map[string]string // Kind/namespace/name to JSON
	broken  error
	before  func()
	reads   int
}

func (s *shelf) Get(_ context.Context, gvk schema.GroupVersionKind, ns, name string) ([]byte, error) {
	s.reads++
	if s.broken != nil {
		return nil, s.broken
	}
	text, ok := s.objects[gvk.Kind+"/"+ns+"/"+name]
	if s.before != nil {
		before := s.before
		s.before = nil
		before()
	}
	if !ok {
		return nil, &model.Error{Kind: model.ErrNotFound, Msg: "not found"}
	}
	return []byte(text), nil
}

func TestNamedKeepsUntilChanged(t *testing.T) {
	s := &shelf{objects: map[string]string{"ConfigMap/dev/v": `{"data":{"a":"1"},"binaryData":{"b":"Mg=="}}`}}
	n := &named{client: s}
	key := model.ObjectKey{Kind: "ConfigMap", Namespace: "dev", Name: "v"}
	id := releaseID("web")
	if got := n.Changed(key); len(got) != 0 || len(n.epoch) != 0 {
		t.Errorf("what nobody named has users %v", got)
	}
	for range 2 {
		data, err := n.Data(t.Context(), id, key)
		if err != nil || string(data["a"]) != "1" || string(data["b"]) != "2" {
			t.Fatalf("read %q, %v", data, err)
		}
	}
	if s.reads != 1 {
		t.Errorf("read %d times", s.reads)
	}
	if got := n.Changed(key); len(got) != 1 || got[0] != id {
		t.Errorf("a change concerns %v", got)
	}
	delete(s.objects, "ConfigMap/dev/v")
	for range 2 {
		if _, err := n.Data(t.Context(), id, key); !errors.Is(err, errNoObject) {
			t.Errorf("a missing object gives %v", err)
		}
	}
	if s.reads != 2 {
		t.Errorf("read %d times: absence is known until the watch says otherwise", s.reads)
	}
	n.Forget(id)
	if len(n.content)+len(n.epoch)+len(n.users)+len(n.uses) != 0 {
		t.Errorf("a forgotten release leaves %+v", n)
	}
}

// TestNamedOvertaken: an object that changes while it is read is read again.
func TestNamedOvertaken(t *testing.T) {
	s := &shelf{objects: map[string]string{"Secret/dev/v": `{"data":{"a":"MQ=="}}`}}
	n := &named{client: s}
	key := model.ObjectKey{Kind: "Secret", Namespace: "dev", Name: "v"}
	s.before = func() {
		s.objects["Secret/dev/v"] = `{"data":{"a":"Mg=="}}`
		if got := n.Changed(key); len(got) != 1 {
			t.Errorf("the change during the read concerns %v", got)
		}
	}
	if data, err := n.Data(t.Context(), releaseID("web"), key); err != nil || string(data["a"]) != "1" {
		t.Fatalf("read %q, %v", data, err)
	}
	if data, err := n.Data(t.Context(), releaseID("web"), key); err != nil || string(data["a"]) != "2" {
		t.Errorf("the change was lost: %q, %v", data, err)
	}
}

// TestNamedErrors: a failed read is neither absence nor kept, and quotes nothing.
func TestNamedErrors(t *testing.T) {
	s := &shelf{broken: fmt.Errorf("connection refused")}
	n := &named{client: s}
	key := model.ObjectKey{Kind: "Secret", Namespace: "dev", Name: "v"}
	if _, err := n.Data(t.Context(), releaseID("web"), key); err == nil || errors.Is(err, errNoObject) {
		t.Errorf("a failed read gives %v", err)
	}
	s.broken, s.objects = nil, map[string]string{"Secret/dev/v": `{"data":{"a":"hunter2!"}}`}
	if _, err := n.Data(t.Context(), releaseID("web"), key); err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("data that cannot be decoded give %v", err)
	}
}

func TestNamedAuth(t *testing.T) {
	s := &shelf{objects: map[string]string{
		"Secret/dev/basic": `{"data":{"username":"dQ==","password":"cA=="}}`,
		"Secret/dev/ssh":   `{"data":{"ssh-privatekey":"aw==","known_hosts":"aA=="}}`,
	}}
	n := &named{client: s}
	basic, err := n.Auth(t.Context(), releaseID("web"), "dev", "basic")
	if err != nil || basic.Username != "u" || basic.Password != "p" {
		t.Errorf("read %v", err)
	}
	ssh, err := n.Auth(t.Context(), releaseID("web"), "dev", "ssh")
	if err != nil || string(ssh.SSHKey) != "k" || string(ssh.KnownHosts) != "h" || ssh.ID == basic.ID || ssh.ID == "" {
		t.Errorf("read %v", err)
	}
	_, err = n.Auth(t.Context(), releaseID("web"), "dev", "none")
	if model.KindOf(err) != model.ErrDenied || !strings.Contains(err.Error(), "none") {
		t.Errorf("a missing credential gives %v", err)
	}
}
