// Package v1alpha1 names Fairlead's own API group. It holds no kinds yet: what Fairlead reads today
// is defined by others.
package v1alpha1

import "k8s.io/apimachinery/pkg/runtime/schema"

// Group is Fairlead's API group; labels and annotations bear it too.
const Group = "fairlead.dev"

// GroupVersion is the group and version of Fairlead's own kinds.
var GroupVersion = schema.GroupVersion{Group: Group, Version: "v1alpha1"}
