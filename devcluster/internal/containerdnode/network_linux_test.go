package containerdnode

import (
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func itoa(n int) string { return strconv.Itoa(n) }

// sleeping reads the state in a line of /proc/PID/stat.
func sleeping(stat string) bool {
	_, after, found := strings.Cut(stat, ") ")
	return found && strings.HasPrefix(after, "S")
}

func TestRemovalScript(t *testing.T) {
	for name, tc := range map[string]struct{ saved, want string }{
		"nothing of ours": {"*nat\n:PREROUTING ACCEPT [0:0]\n:DOCKER - [0:0]\n-A PREROUTING -j DOCKER\nCOMMIT\n", ""},
		"ours beside others'": {
			`# Generated
*nat
:PREROUTING ACCEPT [0:0]
:KUBE-SERVICES - [0:0]
:KUBE-SVC-ABC - [0:0]
:DOCKER - [0:0]
-A PREROUTING -m comment --comment "kubernetes service portals" -j KUBE-SERVICES
-A PREROUTING -j DOCKER
-A KUBE-SERVICES -j KUBE-SVC-ABC
COMMIT
*filter
:FORWARD ACCEPT [0:0]
COMMIT
*mangle
:POSTROUTING ACCEPT [0:0]
:FAIRLEAD-GUARD - [0:0]
-A POSTROUTING -j FAIRLEAD-GUARD
COMMIT
`, `*nat
-D PREROUTING -m comment --comment "kubernetes service portals" -j KUBE-SERVICES
-F KUBE-SERVICES
-F KUBE-SVC-ABC
-X KUBE-SERVICES
-X KUBE-SVC-ABC
COMMIT
*mangle
-D POSTROUTING -j FAIRLEAD-GUARD
-F FAIRLEAD-GUARD
-X FAIRLEAD-GUARD
COMMIT
`},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, removalScript(tc.saved)); diff != "" {
				t.Errorf("script (-want +got):\n%s", diff)
			}
		})
	}
}

func TestParseAddresses(t *testing.T) {
	a, err := parseAddresses("10.244.0.0/16", "10.96.0.0/16")
	if err != nil {
		t.Fatal(err)
	}
	if got := a.node.String(); got != "10.244.0.1" {
		t.Errorf("node address = %s, want the first of the pods' range", got)
	}
	if _, err := parseAddresses("fd00::/64", "10.96.0.0/16"); err == nil {
		t.Error("an IPv6 range was accepted")
	}
}

func TestUnescapeMount(t *testing.T) {
	if got := unescapeMount(`/a\040b\134c`); got != `/a b\c` {
		t.Errorf("got %q", got)
	}
}
