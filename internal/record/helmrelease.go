package record

import (
	"fmt"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	v1 "github.com/fairlead-cd/fairlead/api/helmfluxcd/v1"
	"github.com/fairlead-cd/fairlead/internal/model"
)

// HelmReleaseStatus puts what was observed into the words of the Helm Operator, whose phases and
// conditions are described in https://github.com/fluxcd/helm-operator,
// pkg/apis/helm.fluxcd.io/v1/types_helmrelease.go. When nothing changed the result equals prev:
// times change only with what they are the time of, so an unchanged status need not be written.
func HelmReleaseStatus(prev v1.HelmReleaseStatus, o Observed) v1.HelmReleaseStatus {
	st := *prev.DeepCopy()
	st.ObservedGeneration = o.Release.Generation
	st.ReleaseName = o.Release.Name
	if o.Last != nil {
		st.ReleaseStatus = string(o.Last.Status)
		if o.Last.Status == model.RecordDeployed {
			st.Revision = revisionText(o.Last.Source)
		}
	}
	if text := revisionText(o.Attempted); text != "" {
		st.LastAttemptedRevision = text
	}
	st.Phase = helmReleasePhase(o)
	switch {
	case o.RolledBack > 0 || o.RollbackErr != nil:
		st.RollbackCount = prev.RollbackCount + 1
	case st.Phase == v1.PhaseSucceeded:
		st.RollbackCount = 0
	}

	c := conditions{o: &o, list: st.Conditions}
	c.chartFetched()
	c.deployed()
	c.released()
	c.rolledBack()
	c.notices()
	st.Conditions = c.list
	return st
}

func helmReleasePhase(o Observed) v1.HelmReleasePhase {
	switch {
	case o.RollbackErr != nil:
		return v1.PhaseRollbackFailed
	case o.RolledBack > 0:
		return v1.PhaseRolledBack
	case o.Err != nil && o.Stage == "source":
		return v1.PhaseChartFetchFailed
	case o.Err != nil:
		return v1.PhaseDeployFailed
	case o.Running && o.Install:
		return v1.PhaseInstalling
	case o.Running:
		return v1.PhaseUpgrading
	case o.failed():
		return v1.PhaseDeployFailed
	case o.Held:
		return v1.PhaseRolledBack
	case o.Last != nil && o.Last.Status == model.RecordDeployed:
		return v1.PhaseSucceeded
	}
	return v1.PhaseChartFetched
}

// conditions is a list of conditions while it is brought up to date.
type conditions struct {
	o    *Observed
	list []v1.HelmReleaseCondition
}

func (c *conditions) chartFetched() {
	if c.o.Err != nil && c.o.Stage == "source" {
		reason, message := c.o.failure("ChartFetchFailed")
		c.set(v1.ConditionChartFetched, metav1.ConditionFalse, reason, message)
		return
	}
	message := "Chart fetched"
	if text := revisionText(c.o.Attempted); text != "" {
		message += " at " + text
	}
	c.set(v1.ConditionChartFetched, metav1.ConditionTrue, "ChartFetched", message+".")
}

// ReasonRepairing is the reason of the condition Deployed while a run waits that makes no revision.
const ReasonRepairing = "Repairing"

// deployed says what became of the last attempt. What failed before the cluster was changed was
// an attempt too, except that a chart that could not be fetched was never tried.
func (c *conditions) deployed() {
	o := c.o
	verb := "upgrade"
	if o.Install {
		verb = "installation"
	}
	switch {
	case o.Err != nil && o.Stage == "source":
	case o.Err != nil || !o.Running && o.failed():
		reason, message := o.failure("DeployFailed")
		c.set(v1.ConditionDeployed, metav1.ConditionFalse, reason, message)
	case o.Running && o.Repair:
		c.set(v1.ConditionDeployed, metav1.ConditionUnknown, ReasonRepairing, c.sentence("Putting back changes to"))
	case o.Running:
		c.set(v1.ConditionDeployed, metav1.ConditionUnknown, "Progressing", c.sentence("Running "+verb+" for"))
	case o.Last != nil && o.Last.Status == model.RecordDeployed:
		c.set(v1.ConditionDeployed, metav1.ConditionTrue, "Deployed", c.sentence("Installation or upgrade succeeded for"))
	}
}

// released says whether the release is as the HelmRelease asks for; its message is the one that
// kubectl get shows. Ready says the same in the words of kstatus, and looks at health besides.
func (c *conditions) released() {
	o := c.o
	status, reason, message := metav1.ConditionFalse, "", ""
	switch {
	case o.RollbackErr != nil:
		_, message = o.failure("RollbackFailed")
		reason = "RollbackFailed"
		message = fmt.Sprintf("%s; going back failed: %s", message, o.RollbackErr)
	case o.RolledBack > 0:
		reason, message = o.failure("RolledBack")
		message = fmt.Sprintf("%s; went back to revision %d", message, o.RolledBack)
	case o.unclear():
		// What runs is what ran before; whether it still is what the source asks for is unknown.
		status = metav1.ConditionUnknown
		reason, message = o.failure("Unknown")
	case o.Err != nil:
		reason, message = o.failure("Failed")
	case o.Running:
		status, reason = metav1.ConditionUnknown, "Progressing"
		message = c.sentence("Waiting for health of")
		if o.Hook != "" {
			message = c.sentence("Waiting for " + o.Hook + " of")
		} else if o.Health.Message != "" {
			message = strings.TrimSuffix(message, ".") + ": " + o.Health.Message
		}
	case o.failed():
		reason, message = o.failure("Failed")
	case o.Held:
		reason, message = "Held", o.HeldWhy
	case o.Last == nil || o.Last.Status != model.RecordDeployed:
		status, reason, message = metav1.ConditionUnknown, "NotReleased", c.sentence("Nothing is released yet for")
	default:
		status, reason, message = metav1.ConditionTrue, "Succeeded", c.sentence("Release was successful for")
	}
	ready, readyReason, readyMessage := status, reason, message
	if status == metav1.ConditionTrue && o.Health.Status != model.Healthy && o.Health.Status != "" {
		readyReason, readyMessage = o.failure(string(o.Health.Status))
		ready = metav1.ConditionFalse
		if o.Health.Status == model.Progressing || o.Health.Status == model.Unknown {
			ready = metav1.ConditionUnknown
		}
		message = fmt.Sprintf("%s It is %s: %s", message, o.Health.Status, readyMessage)
	}
	c.set(v1.ConditionReleased, status, reason, shorten(message, maxMessage))
	c.set(v1.ConditionReady, ready, readyReason, shorten(readyMessage, maxMessage))
}

// rolledBack stays until something else than a rollback is recorded.
func (c *conditions) rolledBack() {
	o := c.o
	switch {
	case o.RollbackErr != nil:
		c.set(v1.ConditionRolledBack, metav1.ConditionFalse, model.ReasonOf(o.RollbackErr, "RollbackFailed"), shorten(o.RollbackErr.Error(), maxMessage))
	case o.RolledBack > 0:
		c.set(v1.ConditionRolledBack, metav1.ConditionTrue, "RolledBack", fmt.Sprintf("Went back to revision %d.", o.RolledBack))
	case o.Held:
		c.set(v1.ConditionRolledBack, metav1.ConditionTrue, "Held", o.HeldWhy)
	case !o.Running && (o.Last == nil || o.Last.HoldBy == ""):
		c.remove(v1.ConditionRolledBack)
	}
}

// notices are conditions that are there only while there is something to notice.
func (c *conditions) notices() {
	switch hold, last := c.o.Release.Hold, c.o.Last; {
	case c.o.Held:
		c.set(v1.ConditionHeld, metav1.ConditionTrue, "Held", c.o.HeldWhy)
	case hold == nil:
		c.remove(v1.ConditionHeld)
	case c.o.Running, last != nil && last.HoldTime == hold.Time && last.HoldBy == "":
		// The wish is still there; readers must not take it for what is.
		c.set(v1.ConditionHeld, metav1.ConditionFalse, "InputsChanged", fmt.Sprintf("The inputs changed, which ended the hold at revision %d.", hold.Revision))
	}
	if len(c.o.Unsupported) > 0 {
		c.set(v1.ConditionUnsupported, metav1.ConditionTrue, "UnsupportedFields", unsupportedMessage(c.o.Unsupported))
	} else {
		c.remove(v1.ConditionUnsupported)
	}
}

func unsupportedMessage(paths []string) string {
	return shorten("Not acted upon: "+strings.Join(paths, ", "), maxMessage)
}

// sentence is what the Helm Operator's messages look like.
func (c *conditions) sentence(begin string) string {
	return fmt.Sprintf("%s Helm release '%s' in '%s'.", begin, c.o.Release.Name, c.o.Release.Namespace)
}

func (c *conditions) set(t v1.HelmReleaseConditionType, status metav1.ConditionStatus, reason, message string) {
	now := metav1.NewTime(c.o.At.UTC().Truncate(oneSecond))
	i := slices.IndexFunc(c.list, func(x v1.HelmReleaseCondition) bool { return x.Type == t })
	if i < 0 {
		c.list = append(c.list, v1.HelmReleaseCondition{Type: t, LastTransitionTime: &now})
		i = len(c.list) - 1
	}
	x := &c.list[i]
	if x.Status == status && x.Reason == reason && x.Message == message {
		return
	}
	if x.Status != status {
		x.LastTransitionTime = &now
	}
	x.Status, x.Reason, x.Message, x.LastUpdateTime = status, reason, message, &now
}

func (c *conditions) remove(t v1.HelmReleaseConditionType) {
	c.list = slices.DeleteFunc(c.list, func(x v1.HelmReleaseCondition) bool { return x.Type == t })
}
