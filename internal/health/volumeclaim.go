package health

import "github.com/fairlead-cd/fairlead/internal/model"

// volumeClaim is healthy when bound, and also while it waits for its first consumer by design:
// holding a rollout back for a volume that only a later pod will ask for would hold it for ever. A
// pod that needs the claim and does not get it says so itself.
//
// The claim does not name its class's binding mode. But the volume controller annotates the
// provisioner as soon as it sets one to work, which for WaitForFirstConsumer is when a pod was
// scheduled; and a claim without a class can only be bound to an existing volume.
func volumeClaim(c content) model.Health {
	switch c.str("status", "phase") {
	case "Bound":
		return healthy("bound to " + c.str("spec", "volumeName"))
	case "Lost":
		return failed("Lost", "its volume "+c.str("spec", "volumeName")+" is gone")
	}
	provisioner := c.str("metadata", "annotations", "volume.kubernetes.io/storage-provisioner")
	switch {
	case provisioner != "":
		return progressing("Provisioning", "waits for a volume from %s", provisioner)
	case c.str("spec", "volumeName") != "":
		return progressing("Pending", "not bound to %s yet", c.str("spec", "volumeName"))
	case c.str("spec", "storageClassName") == "":
		return progressing("Pending", "waits for a volume: no storage class")
	}
	return model.Health{Status: model.Healthy, Reason: "WaitForFirstConsumer", Message: "waits for its first pod"}
}
