package health

import (
	"context"

	"github.com/fairlead-cd/fairlead/internal/model"
)

// Node is one object in a status tree, with what belongs to it: a Deployment has its current
// ReplicaSet, which has its Pods.
type Node struct {
	Key      model.ObjectKey `json:"key"`
	Health   model.Health    `json:"health"`
	Children []Node          `json:"children,omitempty"`
}

// Tree reads the objects in keys and what belongs to them. An object that cannot be read is
// Unknown, with the reason as its message; one that does not exist is Missing.
func Tree(ctx context.Context, r Reader, keys []model.ObjectKey) []Node {
	return nil
}
