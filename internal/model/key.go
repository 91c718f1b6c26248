package model

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
)

// Labels and annotations that Fairlead writes or reads on objects in a cluster.
const (
	// LabelRelease is on every object that Fairlead applied; its value is ReleaseID.Label.
	LabelRelease = "fairlead.dev/release"
	// FieldManager owns the fields that Fairlead applies (server-side apply).
	FieldManager = "fairlead"
	// AnnotationSync asks for one run now; its value is any new string, by custom a timestamp.
	AnnotationSync = "fairlead.dev/sync"
	// AnnotationResume ends a hold; its value is any new string, by custom a timestamp.
	AnnotationResume = "fairlead.dev/resume"
	// AnnotationHold keeps a release at a revision; its value is a JSON Hold.
	AnnotationHold = "fairlead.dev/hold"
	// AnnotationInventory carries an encoded Inventory beside a record.
	AnnotationInventory = "fairlead.dev/inventory"
	// LabelInputs, on a Helm release Secret, is the digest of the inputs that revision was made from.
	LabelInputs = "fairlead.dev/inputs"
	// AnnotationApplied, on every object that Fairlead applied, is a short digest of the body it was
	// applied from: it tells what a run left that died before it could record anything.
	AnnotationApplied = "fairlead.dev/applied"
	// AnnotationNote, on a Helm release Secret, is a JSON Note.
	AnnotationNote = "fairlead.dev/note"
	// AnnotationOwner, on a Helm release Secret, is the ReleaseID that asked for it.
	AnnotationOwner = "fairlead.dev/owner"
)

// Kind is the kind of object that asks for a release.
type Kind string

// The kinds Fairlead reads.
const (
	KindHelmRelease Kind = "HelmRelease" // helm.fluxcd.io/v1
	KindApplication Kind = "Application" // argoproj.io/v1alpha1
	KindRoot        Kind = "Root"        // a folder of manifests named in the configuration
	KindHelm        Kind = "Helm"        // a chart deployed without a request in the cluster, by fairlead or helm
	KindManifests   Kind = "Manifests"   // a folder of manifests applied in the same way
)

// ReleaseID names a release by the object that asks for it. It is comparable and never changes
// during the life of a release; the Helm release name may.
type ReleaseID struct {
	Kind      Kind   `json:"kind"`
	Namespace string `json:"namespace,omitempty"`
	Name      string `json:"name"`
}

// String is "Kind/namespace/name", or "Kind/name" for a kind without namespace.
func (id ReleaseID) String() string {
	if id.Namespace == "" {
		return string(id.Kind) + "/" + id.Name
	}
	return string(id.Kind) + "/" + id.Namespace + "/" + id.Name
}

// ParseReleaseID reads what String wrote.
func ParseReleaseID(s string) (ReleaseID, error) {
	parts := strings.Split(s, "/")
	switch len(parts) {
	case 2:
		return ReleaseID{Kind: Kind(parts[0]), Name: parts[1]}, nil
	case 3:
		return ReleaseID{Kind: Kind(parts[0]), Namespace: parts[1], Name: parts[2]}, nil
	}
	return ReleaseID{}, fmt.Errorf("parsing release ID %q: want Kind/namespace/name", s)
}

// Label is the value of LabelRelease: readable while it fits in the 63 characters of a label
// value, else cut and made unique by a digest.
func (id ReleaseID) Label() string {
	s := strings.ReplaceAll(id.String(), "/", ".")
	if len(s) <= 63 {
		return s
	}
	sum := sha256.Sum256([]byte(s))
	return strings.TrimRight(s[:46], "-.") + "-" + hex.EncodeToString(sum[:8])
}

// ReleaseOf reads a label's value as people write it, Kind/namespace/name. One that was cut stays as it is.
func ReleaseOf(label string) string {
	parts := strings.SplitN(label, ".", 3) // neither a kind nor a namespace has dots
	id := ReleaseID{Kind: Kind(parts[0]), Name: parts[len(parts)-1]}
	if len(parts) == 3 {
		id.Namespace = parts[1]
	}
	if len(parts) == 1 || cut(label) {
		return label
	}
	return id.String()
}

// cut reports whether a label is as long and ends as one that Label made shorter.
func cut(label string) bool {
	i := strings.LastIndexByte(label, '-')
	return len(label) > 46 && i >= 0 && len(label)-i-1 == 16 && strings.Trim(label[i+1:], "0123456789abcdef") == ""
}

// ObjectKey names an object in a cluster whatever version it is read in.
type ObjectKey struct {
	Group     string `json:"group,omitempty"`
	Kind      string `json:"kind"`
	Namespace string `json:"namespace,omitempty"`
	Name      string `json:"name"`
}

// String is "Kind/name" with the group where it is not empty ("Deployment.apps/web"), as kubectl
// writes it; the namespace is left to the context.
func (k ObjectKey) String() string {
	if k.Group == "" {
		return k.Kind + "/" + k.Name
	}
	return k.Kind + "." + k.Group + "/" + k.Name
}

// Short is "Kind/name", for reports where the group says nothing new.
func (k ObjectKey) Short() string { return k.Kind + "/" + k.Name }

// Compare orders keys by kind, namespace and name, so that output is stable.
func (k ObjectKey) Compare(o ObjectKey) int {
	if c := strings.Compare(k.Group, o.Group); c != 0 {
		return c
	}
	if c := strings.Compare(k.Kind, o.Kind); c != 0 {
		return c
	}
	if c := strings.Compare(k.Namespace, o.Namespace); c != 0 {
		return c
	}
	return strings.Compare(k.Name, o.Name)
}

// Digest is a hex SHA-256 over parts, each preceded by its length so that no two lists of parts
// collide by concatenation.
func Digest(parts ...[]byte) string {
	h := sha256.New()
	for _, p := range parts {
		fmt.Fprintf(h, "%d:", len(p))
		h.Write(p)
	}
	return hex.EncodeToString(h.Sum(nil))
}
