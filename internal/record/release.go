package record

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/fairlead-cd/fairlead/internal/model"
)

// applyMethod is what Helm 4 shall believe the objects were applied with.
//
// It is "csa", client-side apply, although Fairlead applies on the server's side: helm rollback and
// helm upgrade continue with the method they find recorded (getUpgradeServerSideValue in Helm's
// pkg/action/upgrade.go). With "ssa" Helm would apply as manager "helm" without forcing, and every
// field it wants to change would be a conflict with manager "fairlead": no rollback to a different
// revision could succeed. With "csa" it sends patches, which conflict with no one; the fields it
// changes become its own, so Fairlead sees what was changed past it.
const applyMethod = "csa"

const (
	// maxSecret is how much data a Secret may hold (MaxSecretSize in k8s.io/api/core/v1).
	maxSecret = 1 << 20
	// maxRelease bounds what is decompressed of a record.
	maxRelease = 64 << 20
	releaseKey = "release"
)

// release is Helm's record as it is stored: pkg/release/v1/release.go. What Fairlead only carries
// stays raw.
type release struct {
	Name        string          `json:"name,omitempty"`
	Info        info            `json:"info"`
	Chart       json.RawMessage `json:"chart,omitempty"`
	Config      json.RawMessage `json:"config,omitempty"`
	Manifest    string          `json:"manifest,omitempty"`
	Hooks       json.RawMessage `json:"hooks,omitempty"`
	Version     int             `json:"version,omitempty"`
	Namespace   string          `json:"namespace,omitempty"`
	ApplyMethod string          `json:"apply_method,omitempty"`
}

type info struct {
	FirstDeployed    helmTime           `json:"first_deployed,omitzero"`
	LastDeployed     helmTime           `json:"last_deployed,omitzero"`
	Description      string             `json:"description,omitempty"`
	Status           model.RecordStatus `json:"status,omitempty"`
	RollbackRevision int                `json:"rollback_revision,omitempty"`
	Notes            string             `json:"notes,omitempty"`
}

// helmTime is a time that Helm 3 may have written as an empty string.
type helmTime struct{ time.Time }

// UnmarshalJSON reads a time; "" is none.
func (t *helmTime) UnmarshalJSON(text []byte) error {
	if string(text) == `""` {
		return nil
	}
	return t.Time.UnmarshalJSON(text)
}

type chartMetadata struct {
	Metadata struct {
		Name       string `json:"name"`
		Version    string `json:"version"`
		AppVersion string `json:"appVersion,omitempty"`
		APIVersion string `json:"apiVersion"`
		Type       string `json:"type,omitempty"`
	} `json:"metadata"`
}

// encode makes the content of a record's Secret.
func encode(e *Entry, rec *model.Record) (map[string][]byte, error) {
	r := release{
		Name: e.Release.Name, Namespace: e.Release.Namespace, Version: rec.Revision, ApplyMethod: applyMethod,
		Info: info{
			FirstDeployed: helmTime{rec.First}, LastDeployed: helmTime{rec.Time}, Status: rec.Status,
			Description: shorten(rec.Description, maxDescription), RollbackRevision: e.RollbackOf, Notes: e.Notes,
		},
		Manifest: e.Manifest,
	}
	if c := e.Chart; c != nil {
		r.Chart, r.Config, r.Hooks, r.Manifest = orNil(c.Stored), orNil(c.Config), orNil(c.HookManifests), c.Manifest
	} else {
		stored, err := plainChart(e.Release.Name, rec.Source)
		if err != nil {
			return nil, err
		}
		r.Chart = stored
	}
	return fit(&r)
}

// orNil keeps JSON that says nothing out of a record.
func orNil(text []byte) json.RawMessage {
	if t := bytes.TrimSpace(text); len(t) == 0 || string(t) == "null" {
		return nil
	}
	return text
}

// plainChart stands for a chart where there is none.
func plainChart(name string, source model.Revision) (json.RawMessage, error) {
	var c chartMetadata
	c.Metadata.APIVersion, c.Metadata.Type = "v2", "application"
	c.Metadata.Name, c.Metadata.Version, c.Metadata.AppVersion = name, "0.0.0", source.Short()
	return json.Marshal(c)
}

// fit packs a release so that it fits in a Secret. What is given up for that, in this order, is
// speed, then the chart's templates and files (helm rollback does without them; the manifest and
// the values stay).
func fit(r *release) (map[string][]byte, error) {
	data, err := pack(r, fast)
	if err != nil || len(data) <= maxSecret {
		return map[string][]byte{releaseKey: data}, err
	}
	if data, err = pack(r, small); err != nil || len(data) <= maxSecret {
		return map[string][]byte{releaseKey: data}, err
	}
	lean := *r
	if lean.Chart, err = withoutBulk(r.Chart); err != nil {
		return nil, err
	}
	if data, err = pack(&lean, small); err != nil || len(data) <= maxSecret {
		return map[string][]byte{releaseKey: data}, err
	}
	return nil, &model.Error{
		Kind: model.ErrInvalid, Reason: "RecordTooLarge",
		Msg:  fmt.Sprintf("the record of release %s/%s takes %d bytes compressed, a Secret holds %d", r.Namespace, r.Name, len(data), maxSecret),
		Next: "split the release into smaller ones",
	}
}

// withoutBulk leaves of a chart what Helm needs to name it and to merge values.
func withoutBulk(chart json.RawMessage) (json.RawMessage, error) {
	var parts map[string]json.RawMessage
	if err := json.Unmarshal(chart, &parts); err != nil {
		return nil, fmt.Errorf("reading a chart as Helm stores it: %w", err)
	}
	delete(parts, "templates")
	delete(parts, "files")
	return json.Marshal(parts)
}

// pack encodes as Helm's pkg/storage/driver/util.go does: JSON, gzip, base64.
func pack(release any, level int) ([]byte, error) {
	text, err := json.Marshal(release)
	if err != nil {
		return nil, fmt.Errorf("encoding a release: %w", err)
	}
	packed, err := compress(text, level)
	if err != nil {
		return nil, fmt.Errorf("compressing a release: %w", err)
	}
	return base64.StdEncoding.AppendEncode(nil, packed), nil
}

// unpack is pack backwards, up to the JSON. Helm once stored releases without compressing them.
func unpack(data []byte) ([]byte, error) {
	packed, err := base64.StdEncoding.AppendDecode(nil, data)
	if err != nil {
		return nil, fmt.Errorf("decoding a release: %w", err)
	}
	if !bytes.HasPrefix(packed, []byte{0x1f, 0x8b, 0x08}) {
		return packed, nil
	}
	text, err := decompress(packed, maxRelease)
	if err != nil {
		return nil, fmt.Errorf("decompressing a release: %w", err)
	}
	return text, nil
}

// decode reads a record with its bulk. Helm's own data is the truth; annotations add to it what
// they alone know.
func decode(secret *corev1.Secret) (Full, error) {
	text, err := unpack(secret.Data[releaseKey])
	if err != nil {
		return Full{}, fmt.Errorf("reading record %s/%s: %w", secret.Namespace, secret.Name, err)
	}
	var r release
	if err := json.Unmarshal(text, &r); err != nil {
		return Full{}, fmt.Errorf("reading record %s/%s: %w", secret.Namespace, secret.Name, err)
	}
	full := Full{
		Name: r.Name, Namespace: r.Namespace, Notes: r.Info.Notes,
		RollbackOf: r.Info.RollbackRevision, ApplyMethod: r.ApplyMethod,
		Chart: model.ChartInfo{Stored: r.Chart, Config: r.Config, Manifest: r.Manifest, HookManifests: r.Hooks},
	}
	full.Revision = r.Version
	annotate(&full.Record, secret.Labels, secret.Annotations)
	if packed, ok := secret.Data[inventoryKey]; ok && full.Owner != "" {
		if full.Inventory, err = DecodeInventory(string(packed)); err != nil {
			return Full{}, fmt.Errorf("reading record %s/%s: %w", secret.Namespace, secret.Name, err)
		}
	}
	full.Status = r.Info.Status
	full.Description, full.Time, full.First = r.Info.Description, r.Info.LastDeployed.Time, r.Info.FirstDeployed.Time

	var chart chartMetadata
	if len(r.Chart) > 0 {
		if err := json.Unmarshal(r.Chart, &chart); err != nil {
			return Full{}, fmt.Errorf("reading the chart in record %s/%s: %w", secret.Namespace, secret.Name, err)
		}
	}
	m := chart.Metadata
	full.Chart.Name, full.Chart.Version, full.Chart.AppVersion = m.Name, m.Version, m.AppVersion
	if m.Name != "" {
		full.Record.Chart, full.AppVersion = m.Name+"-"+m.Version, m.AppVersion
	}
	return full, nil
}

// restate gives the packed release with another status and description, and everything else as it
// is, known to Fairlead or not.
func restate(data []byte, status model.RecordStatus, description string) ([]byte, error) {
	text, err := unpack(data)
	if err != nil {
		return nil, err
	}
	var r, i map[string]json.RawMessage
	if err := json.Unmarshal(text, &r); err != nil {
		return nil, fmt.Errorf("reading a release: %w", err)
	}
	if err := json.Unmarshal(r["info"], &i); err != nil {
		return nil, fmt.Errorf("reading a release's info: %w", err)
	}
	if i == nil {
		i = map[string]json.RawMessage{}
	}
	if i["status"], err = json.Marshal(status); err != nil {
		return nil, err
	}
	if description != "" {
		if i["description"], err = json.Marshal(shorten(description, maxDescription)); err != nil {
			return nil, err
		}
	}
	if status == model.RecordSuperseded && string(r["apply_method"]) == `"ssa"` {
		// Objects of what helm made are ours now: see applyMethod. helm rollback goes by the revision it
		// returns to.
		r["apply_method"] = json.RawMessage(`"` + applyMethod + `"`)
	}
	if r["info"], err = json.Marshal(i); err != nil {
		return nil, err
	}
	packed, err := pack(r, fast)
	if err != nil || len(packed) <= maxSecret {
		return packed, err
	}
	return pack(r, small)
}
