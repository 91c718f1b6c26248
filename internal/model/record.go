package model

import "time"

// RecordStatus is what became of a revision, in Helm's words.
type RecordStatus string

// The states a record can have. Fairlead never writes a pending one; Helm does.
const (
	RecordDeployed        RecordStatus = "deployed"
	RecordSuperseded      RecordStatus = "superseded"
	RecordFailed          RecordStatus = "failed"
	RecordUninstalled     RecordStatus = "uninstalled"
	RecordPendingInstall  RecordStatus = "pending-install"
	RecordPendingUpgrade  RecordStatus = "pending-upgrade"
	RecordPendingRollback RecordStatus = "pending-rollback"
)

// Pending reports whether another tool is, or was, in the middle of an operation.
func (s RecordStatus) Pending() bool {
	return s == RecordPendingInstall || s == RecordPendingUpgrade || s == RecordPendingRollback
}

// Record is one revision of a release as its history keeps it, without the bulk.
type Record struct {
	Revision    int
	Status      RecordStatus
	Description string
	Chart       string // "podinfo-0.2.1"
	AppVersion  string
	Inputs      string   // digest of the inputs it was made from; empty when another tool wrote it
	Source      Revision // of the artifact
	Time        time.Time
	First       time.Time `json:",omitzero"` // of the release's first deployment; zero where only the bulk says
	Inventory   Inventory
	Owner       string // ReleaseID that asked for it; empty when another tool wrote it

	// A rollback's record keeps the release where it is while Inputs, the inputs that were left,
	// stay what they are.
	HoldBy   string // who went back: "fairlead rollback", "failed upgrade"; empty for no hold
	HoldTime string // Hold.Time of the request it carried out
	// Partial: not every object could be applied, so health alone says nothing of this revision.
	Partial bool
	// HookFailed: a hook ran and did not succeed, which healthy objects do not make up for. Where it came
	// before the objects the revision is Partial too: what lives is of the revision before.
	HookFailed bool `json:",omitempty"`
}

// Unapplied reports whether nothing of r came to be applied, because a hook before failed.
func (r *Record) Unapplied() bool { return r.HookFailed && r.Partial }

// Note is what a record keeps beside Helm's own fields, as one annotation.
type Note struct {
	Source   Revision `json:"source,omitzero"`
	HoldBy   string   `json:"holdBy,omitempty"`
	HoldTime string   `json:"holdTime,omitempty"`
	Partial  bool     `json:"partial,omitempty"`

	HookFailed bool `json:"hookFailed,omitempty"`
}

// Note is the part of r that Helm's format has no place for.
func (r *Record) Note() Note {
	return Note{Source: r.Source, HoldBy: r.HoldBy, HoldTime: r.HoldTime, Partial: r.Partial, HookFailed: r.HookFailed}
}

// SetNote puts n into r.
func (r *Record) SetNote(n Note) {
	r.Source, r.HoldBy, r.HoldTime, r.Partial, r.HookFailed = n.Source, n.HoldBy, n.HoldTime, n.Partial, n.HookFailed
}
