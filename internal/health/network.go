package health

import "github.com/fairlead-cd/fairlead/internal/model"

func service(c content) model.Health {
	if c.str("spec", "type") != "LoadBalancer" || len(c.list("spec", "externalIPs")) > 0 {
		return healthy("")
	}
	entries := c.list("status", "loadBalancer", "ingress")
	if len(entries) == 0 {
		return progressing("NoLoadBalancer", "waits for the load balancer's address")
	}
	return healthy(address(entries))
}

// ingress does not wait for an address: many controllers never write one.
func ingress(c content) model.Health {
	return healthy(address(c.list("status", "loadBalancer", "ingress")))
}

func address(entries []any) string {
	if len(entries) == 0 {
		return ""
	}
	m, _ := entries[0].(map[string]any)
	if ip := content(m).str("ip"); ip != "" {
		return ip
	}
	return content(m).str("hostname")
}

// route is healthy when every router that saw it admitted it.
func route(c content) model.Health {
	routers := c.list("status", "ingress")
	if len(routers) == 0 {
		return progressing("NotAdmitted", "waits for a router")
	}
	for _, item := range routers {
		m, _ := item.(map[string]any)
		cond := conditionOf(content(m).list("conditions"), "Admitted")
		if cond.isFalse() {
			return degraded(cond.Reason, cond.text())
		}
		if !cond.isTrue() {
			return progressing("NotAdmitted", "router %s has not admitted it yet", content(m).str("routerName"))
		}
	}
	return healthy(c.str("spec", "host"))
}
