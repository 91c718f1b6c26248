package model

import "time"

// HealthStatus is how an object or a release does. The words are Argo CD's, so that a status
// written for its users needs no translation.
type HealthStatus string

// The states, from good to bad. Worst gives their order.
const (
	Healthy     HealthStatus = "Healthy"
	Suspended   HealthStatus = "Suspended"
	Progressing HealthStatus = "Progressing"
	Missing     HealthStatus = "Missing"
	Degraded    HealthStatus = "Degraded"
	Unknown     HealthStatus = "Unknown"
)

var healthOrder = map[HealthStatus]int{Healthy: 0, Suspended: 1, Progressing: 2, Missing: 3, Degraded: 4, Unknown: 5}

// Worst is the worse of two states.
func Worst(a, b HealthStatus) HealthStatus {
	if healthOrder[b] > healthOrder[a] {
		return b
	}
	return a
}

// Health is how one object does. Reason is a CamelCase word, Message one line for people.
type Health struct {
	Status  HealthStatus `json:"status"`
	Reason  string       `json:"reason,omitempty"`
	Message string       `json:"message,omitempty"` // "0/3 ready"
	// Final is set where no waiting will help: a failed Job, an exceeded progress deadline.
	Final bool `json:"final,omitempty"`
}

// ObjectHealth is one object's health in a verdict or a status tree.
type ObjectHealth struct {
	Key    ObjectKey `json:"key"`
	Health Health    `json:"health"`
}

// Verdict is how a release does after a run, and why.
type Verdict struct {
	Status  HealthStatus
	Reason  string // CamelCase: "Healthy", "RolloutFailed", "Timeout", "Superseded"
	Message string // one line
	Objects []ObjectHealth
	Causes  []Cause
	Since   time.Time // when this was observed
}

// Cause is why one object of a release is not healthy: a chain from that object down to the root.
type Cause struct {
	Object  ObjectKey `json:"object"`
	Summary string    `json:"summary"` // "0/3 ready"
	Links   []Link    `json:"links"`   // from the object to the root, root last
	Reason  string    `json:"reason"`  // of the root, CamelCase: "ImagePullBackOff", "MissingSecret"
	Next    string    `json:"next,omitempty"`
	// Final says that waiting will not help: the rollout is failed now.
	Final bool `json:"final"`
}

// Role says what a link of a cause is.
type Role string

// The roles, in the order they stand in a chain.
const (
	RoleObject Role = "object" // an object below: ReplicaSet, Pod, Job
	RoleLog    Role = "log"    // last lines a container wrote
	RoleEvent  Role = "event"  // the last telling event
	RoleCause  Role = "cause"  // the root
	RoleSource Role = "source" // where the root is written: a value, a Secret, a file in Git
)

// Link is one step from symptom to root.
type Link struct {
	Role   Role      `json:"role"`
	Object ObjectKey `json:"object,omitzero"`
	Text   string    `json:"text"` // "container api: CrashLoopBackOff, exit 1, 3 restarts"
}

// Root is the last link's text: the shortest honest answer to "why".
func (c *Cause) Root() string {
	for i := len(c.Links) - 1; i >= 0; i-- {
		if c.Links[i].Role == RoleCause {
			return c.Links[i].Text
		}
	}
	if len(c.Links) > 0 {
		return c.Links[len(c.Links)-1].Text
	}
	return c.Summary
}
