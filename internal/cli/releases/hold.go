package releases

import (
	"encoding/json"
	"fmt"

	"github.com/fairlead-cd/fairlead/internal/model"
)

// ConditionHeld is the type of the condition by which a controller says that a release is kept away
// from its inputs. Where a controller has said so, its word counts; before, the wish does.
const ConditionHeld = "Held"

// parseHold reads the wish to hold from a request's annotations; nil when there is none.
func parseHold(annotations map[string]string) (*model.Hold, error) {
	text, ok := annotations[model.AnnotationHold]
	if !ok {
		return nil, nil
	}
	var h model.Hold
	if err := json.Unmarshal([]byte(text), &h); err != nil {
		return nil, fmt.Errorf("annotation %s: %w", model.AnnotationHold, err)
	}
	return &h, nil
}

// hold settles what v says about being held. A healthy release that is held is Held; one that is
// not healthy keeps the word for that, and the message says both.
func (v *View) hold(h *model.Hold, err error) {
	if err != nil {
		v.Message = err.Error()
		return
	}
	c := v.Condition(ConditionHeld)
	switch {
	case c != nil && c.Status != "True":
		return
	case c == nil && h == nil:
		return
	case h == nil:
		h = &model.Hold{Revision: v.Revision, By: c.Reason}
	}
	v.Hold = h
	text := fmt.Sprintf("held at revision %d by %s until the inputs change or: fairlead resume %s", h.Revision, h.By, v.Short())
	if c != nil && c.Message != "" {
		text = c.Message
	}
	switch v.Status {
	case Healthy, Held, OutOfSync:
		v.Status, v.Message = Held, text
	default:
		if v.Message != "" {
			text = v.Message + "; " + text
		}
		v.Message = text
	}
}
