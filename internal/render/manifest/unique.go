package manifest

import (
	"fmt"
	"strconv"

	"github.com/fairlead-cd/fairlead/internal/model"
)

// Unique refuses two objects that are one in the cluster: same group, kind, namespace and name. An
// object without a namespace counts as being in namespace.
func Unique(objects []model.Object, namespace string) error {
	seen := make(map[model.ObjectKey]int, len(objects))
	for i := range objects {
		key := objects[i].Key
		if key.Name == "" {
			continue // generateName: the API server names it
		}
		if key.Namespace == "" {
			key.Namespace = namespace
		}
		first, twice := seen[key]
		if !twice {
			seen[key] = i
			continue
		}
		at := objects[i].Origin
		return &model.Error{
			Kind: model.ErrInvalid, Reason: "DuplicateObject", Object: objects[i].Key, File: at.File, Line: at.Line,
			Msg:  fmt.Sprintf("written twice: here and in %s", place(objects[first].Origin)),
			Next: "remove one of the two",
		}
	}
	return nil
}

func place(o model.Origin) string {
	if o.Line == 0 {
		return o.File
	}
	return o.File + ":" + strconv.Itoa(o.Line)
}
