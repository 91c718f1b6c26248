package deploy

import (
	"context"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/fairlead-cd/fairlead/internal/model"
	"github.com/fairlead-cd/fairlead/internal/pipeline"
	"github.com/fairlead-cd/fairlead/internal/record"
)

// Deployer runs releases. One Deployer runs one release at a time.
type Deployer struct {
	Line    *pipeline.Line
	Records *record.Store
	Cluster cluster
	Now     func() time.Time
	// Holder says who runs this, for others that want the same release meanwhile.
	Holder record.Holder
	// Say is told what a person may wonder about meanwhile; nil drops it.
	Say func(format string, args ...any)
	// Dead tells of a process that had a release in hand whether it is known to be gone.
	Dead func(proc string) bool
}

type cluster interface {
	GetMeta(ctx context.Context, gvk schema.GroupVersionKind, namespace, name string) (*metav1.ObjectMeta, error)
}

// Request is one run.
type Request struct {
	Verb    Verb
	Release model.Release
	// Target is the revision that a rollback goes to; 0 is the newest good one before the current.
	Target int
	// Atomic goes back where the run fails: to the last good revision, or to nothing where there was no
	// release. What was there before and was taken over stays, and a release that was never good too.
	Atomic bool
	// DryRun ends after the plan.
	DryRun bool
	// Recreate are objects, as Kind/name, that are deleted and made anew where the run would change them.
	Recreate []string
	// CreateNamespace makes the release's namespace when it does not exist.
	CreateNamespace bool
}

// ID is the release as a run of this kind names it.
func ID(kind model.Kind, namespace, name string) model.ReleaseID {
	return model.ReleaseID{Kind: kind, Namespace: namespace, Name: name}
}

// kindOf is the kind of the release that has a history: another tool's is a chart's. So is a
// controller's, which judge then knows for what it is.
func kindOf(history []model.Record) model.Kind {
	for i := len(history) - 1; i >= 0; i-- {
		if id, err := model.ParseReleaseID(history[i].Owner); err == nil {
			if id.Kind == model.KindManifests {
				return id.Kind
			}
			break
		}
	}
	return model.KindHelm
}

// Recorded is the release that a history in Helm's storage is of. It keeps all there is of the history:
// who goes back says nothing of how much of it is wanted.
func Recorded(namespace, name string, history []model.Record) model.Release {
	rel := model.Release{
		ID: ID(kindOf(history), namespace, name), Name: name, Namespace: namespace,
		Renderer: model.RenderHelm, Policy: model.Policy{Prune: true},
		MaxHistory: max(len(history)+1, record.DefaultHistory),
	}
	if rel.ID.Kind == model.KindManifests {
		rel.Renderer = model.RenderPlain
	}
	return rel
}
