package record

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/fairlead-cd/fairlead/internal/model"
)

// secretType is how Helm marks its records.
const secretType = "helm.sh/release.v1"

// note is what stands in model.AnnotationNote: all of a record that a table or a decision needs,
// so that neither reads the bulk.
//
// It is an annotation, which Helm drops when it supersedes a record. What has to survive that is a
// label too: see labelsOf.
type note struct {
	model.Note
	Inputs      string    `json:"inputs,omitempty"`
	Chart       string    `json:"chart,omitempty"`
	AppVersion  string    `json:"appVersion,omitempty"`
	Description string    `json:"description,omitempty"`
	Time        time.Time `json:"time,omitzero"`
	First       time.Time `json:"first,omitzero"`
}

// FromSecretMetadata builds a record from the labels and annotations of a release Secret alone,
// so that a watch of metadata is all a controller needs. ok is false when the object is no
// release record. A record another tool wrote has neither Owner nor Inventory, and Inputs only
// where Leave noted which it left. One of
// Fairlead's that Helm superseded keeps Owner and Inputs; superseded records have no Inventory.
// One that is empty, as against nil, is of a release without objects.
func FromSecretMetadata(meta metav1.Object) (name string, rec model.Record, ok bool) {
	labels := meta.GetLabels()
	name = labels["name"]
	revision, err := strconv.Atoi(labels["version"])
	if labels["owner"] != "helm" || err != nil || revision < 1 || meta.GetName() != secretName(name, revision) {
		return "", model.Record{}, false
	}
	rec = model.Record{
		Revision: revision, Status: model.RecordStatus(labels["status"]),
		Time: meta.GetCreationTimestamp().Time,
	}
	annotate(&rec, labels, meta.GetAnnotations())
	return name, rec, true
}

// labelsOf are labels that say whose a record is and what it was made from. Helm keeps custom
// labels when it changes a record, and it copies them to the next revision when it makes one by
// rollback or upgrade. So the digest is preceded by the number of the revision it is of: in a copy
// the number is wrong, and the label counts for nothing.
func labelsOf(rec *model.Record) map[string]string {
	id, err := model.ParseReleaseID(rec.Owner)
	digest, hexErr := hex.DecodeString(rec.Inputs)
	if err != nil || hexErr != nil || len(digest) == 0 || len(digest) > 32 || ownerOf(id.Label()) != rec.Owner {
		return nil // nothing that fits in a label: the annotations have to do
	}
	return map[string]string{
		model.AnnotationOwner: id.Label(),
		model.LabelInputs:     fmt.Sprintf("%d_%s_i", rec.Revision, base64.RawURLEncoding.EncodeToString(digest)),
	}
}

// ownerOf is the ReleaseID behind a label value, unless the value had to be shortened.
func ownerOf(label string) string { return strings.Join(strings.SplitN(label, ".", 3), "/") }

// fromLabels reads what labelsOf wrote for this very revision.
func fromLabels(rec *model.Record, labels map[string]string) {
	text, isOurs := strings.CutPrefix(labels[model.LabelInputs], strconv.Itoa(rec.Revision)+"_")
	digest, err := base64.RawURLEncoding.DecodeString(strings.TrimSuffix(text, "_i"))
	if !isOurs || err != nil {
		return
	}
	rec.Owner, rec.Inputs = ownerOf(labels[model.AnnotationOwner]), hex.EncodeToString(digest)
}

// annotate puts into a record what Fairlead's annotations say. What cannot be read is left out, as
// it is on records of other tools: without an inventory the manifest tells what a release owns.
func annotate(rec *model.Record, labels, annotations map[string]string) {
	var n note
	if text := annotations[model.AnnotationNote]; text == "" || json.Unmarshal([]byte(text), &n) != nil {
		fromLabels(rec, labels)
		return
	}
	rec.SetNote(n.Note)
	rec.Owner = annotations[model.AnnotationOwner]
	rec.Inputs, rec.Chart, rec.AppVersion, rec.Description = n.Inputs, n.Chart, n.AppVersion, n.Description
	if !n.Time.IsZero() {
		rec.Time = n.Time
	}
	rec.First = n.First
	if text, ok := annotations[model.AnnotationInventory]; ok && text != inventoryApart {
		if inv, err := DecodeInventory(text); err == nil {
			rec.Inventory = inv
		}
	}
}

// maxDescription bounds a description as Helm bounds its own.
const maxDescription = 256

func annotations(rec *model.Record) (map[string]string, error) {
	n := note{
		Note: rec.Note(), Inputs: rec.Inputs, Chart: rec.Chart, AppVersion: rec.AppVersion,
		Description: shorten(rec.Description, maxDescription), Time: rec.Time, First: rec.First,
	}
	text, err := json.Marshal(n)
	if err != nil {
		return nil, err
	}
	a := map[string]string{model.AnnotationNote: string(text)}
	if rec.Owner != "" {
		a[model.AnnotationOwner] = rec.Owner
	}
	return a, nil
}

// shorten cuts a text to at most n bytes, at the end of a character.
func shorten(s string, n int) string {
	if len(s) <= n {
		return s
	}
	const ellipsis = "…"
	cut := n - len(ellipsis)
	for cut > 0 && s[cut]&0xC0 == 0x80 {
		cut--
	}
	return s[:cut] + ellipsis
}
