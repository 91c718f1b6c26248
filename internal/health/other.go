package health

import (
	"context"

	"github.com/fairlead-cd/fairlead/internal/model"
)

// other tells of a kind without pods what its status and its last Warning event say.
func (d *diagnosis) other(ctx context.Context, key model.ObjectKey, h model.Health) ([]finding, error) {
	f := finding{reason: h.Reason, final: h.Final}
	if f.reason == "" {
		f.reason = string(h.Status)
	}
	events, err := d.warnings(ctx, key, "")
	if err != nil {
		return nil, err
	}
	text := h.Message
	if text == "" {
		text = "is " + string(h.Status)
	}
	if len(events) > 0 {
		e := &events[0]
		f.add(model.RoleEvent, key, "%s", eventText(e, oneLine(clean(e.Message))))
		if h.Reason == "NoLoadBalancer" {
			text = oneLine(clean(e.Message))
		}
	}
	f.add(model.RoleCause, key, "%s: %s", key.Short(), text)
	switch h.Reason {
	case "NoLoadBalancer":
		f.next = "check the cluster's load balancer controller, or use another Service type"
	case ReasonNotObserved:
		f.next = "check that the controller of " + key.Kind + " runs"
	default:
		f.next = "kubectl describe " + resourceArg(key)
	}
	return []finding{f}, nil
}

// resourceArg is how kubectl is told of the object.
func resourceArg(key model.ObjectKey) string {
	kind := key.Kind
	if key.Group != "" {
		kind += "." + key.Group
	}
	if key.Namespace == "" {
		return kind + " " + key.Name
	}
	return kind + " -n " + key.Namespace + " " + key.Name
}
