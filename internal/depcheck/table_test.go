package depcheck

// What the rows below have in common.
var (
	// adapters speak to the outside without words of the domain.
	adapters = []string{"internal/git", "internal/kube", "internal/registry", "internal/resident"}
	// stages are the line's; each knows the model and adapters, none knows another.
	stages = []string{
		"internal/source", "internal/render", "internal/plan",
		"internal/apply", "internal/health", "internal/record",
	}
	// base is what every room may use.
	base = []string{"internal/pattern", "internal/recent"}
	// words put values into text.
	words = []string{"internal/report", "internal/output"}
)

// everything is every room but the two on top.
const everything = "*"

// allowed says for each room which others its packages may import. Imports of the standard library
// and of other modules are free unless onlyModules says otherwise. Test files may import more:
// see checkTest.
var allowed = map[string][]string{
	// At the bottom: plain values and types.
	"api":              {},
	"internal/model":   {},
	"internal/pattern": {},
	"internal/recent":  {},

	// Adapters.
	"internal/git":      {"internal/model"},
	"internal/kube":     {"internal/model"},
	"internal/registry": {"internal/model"},
	"internal/resident": {},

	// What every process of the program begins with.
	"internal/headstart": {},

	// What an administrator says once.
	"internal/config": {},

	// Beside the line: what is in the cluster, from watches; words; what a spec may ask for;
	// images built from a folder.
	"internal/live":       {"internal/model", "internal/kube"},
	"internal/report":     {"internal/model"},
	"internal/output":     {"internal/model"},
	"internal/support":    {"internal/model"},
	"internal/imagebuild": {"internal/model", "internal/registry"},

	// Around a repository's pipeline. observe is told of deployments, for the build service's log.
	"internal/ci": with("internal/model", words, []string{"internal/deploy"}),

	// The line's six stages.
	"internal/source": with("internal/model", adapters),
	"internal/render": with("internal/model", adapters),
	"internal/plan":   {"internal/model"},
	"internal/apply":  with("internal/model", adapters),
	"internal/health": with("internal/model", adapters),
	"internal/record": with("internal/model", adapters, []string{"api"}), // writes the kinds' status

	// The line: the only room that knows all six.
	"internal/pipeline": with("internal/model", adapters, stages, []string{"internal/live"}),

	// Charts on disk: checked and described without the line.
	"internal/chart": with("internal/model", adapters, words, []string{"internal/render", "internal/source"}),

	// Who calls the line.
	"internal/deploy": with("internal/model", adapters, words, []string{
		"internal/live", "internal/pipeline", "internal/source", "internal/plan", "internal/health", "internal/record",
	}),
	"internal/controller": with("internal/model", adapters, words, []string{
		"api", "internal/live", "internal/pipeline", "internal/support",
		"internal/source", "internal/health", "internal/record",
	}),
	"internal/server": with("internal/model", adapters, words, []string{"api", "internal/live", "internal/pipeline"}),
	"internal/cli": with("internal/model", adapters, words, []string{
		"api", "internal/live", "internal/pipeline", "internal/support", "internal/health", "internal/record",
		"internal/ci", "internal/config", "internal/local", "internal/chart", "internal/deploy",
	}),

	// Servers for tests and for "fairlead up", which runs everything on one machine.
	"internal/testkit": with("internal/model", adapters),
	"internal/local": with("internal/model", adapters, words, []string{
		"api", "charts", "examples", "internal/config", "internal/imagebuild", "internal/testkit",
	}),

	// On top: all wiring, and the command that starts it.
	"internal/app": {everything},
	"cmd":          {"internal/app"},

	// Trees that are embedded or tested, not code.
	"charts":   {},
	"examples": {},

	// What measures all of it, from outside.
	"bench": {"api", "internal/git", "internal/testkit"},

	// Nothing but tests.
	"internal/depcheck": {},
	"test":              {},
}

// onlyModules limits what a room may import beyond this module and the standard library.
var onlyModules = map[string][]string{
	"api":            {"k8s.io/apimachinery"},
	"internal/model": {},
	"internal/plan":  {"k8s.io/apimachinery", "sigs.k8s.io/yaml"}, // pure: no clients
	"cmd":            {},
}

// onTop are the rooms no other may import, each with the rooms that may.
var onTop = map[string][]string{
	"internal/app": {"cmd"},
	"cmd":          {},
	"test":         {},
}
