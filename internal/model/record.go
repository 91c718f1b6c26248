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
	Inventory   Inventory
	Owner       string // ReleaseID that asked for it; empty when another tool wrote it
}
