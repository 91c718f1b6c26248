package rbac

import (
	"fmt"
	"slices"
	"strings"
)

// explain tells why a rule is there, a line for each purpose.
func explain(in Input, reasons []Reason) []string {
	var lines []string
	for p := ForRecords; p <= ForDiagnosis; p++ {
		var of []Reason
		for _, r := range reasons {
			if r.Purpose == p {
				of = append(of, r)
			}
		}
		if len(of) > 0 {
			lines = append(lines, sentence(in, p, objects(of))...)
		}
	}
	return lines
}

func sentence(in Input, p Purpose, what string) []string {
	switch p {
	case ForRecords:
		return []string{
			"the release's revisions: Secrets sh.helm.release.v1." + in.Release + ".v1, v2, ... RBAC knows neither labels nor",
			"prefixes of names, so this reaches every Secret of the namespace: give the release one of its own",
		}
	case ForLock:
		return []string{"the lock that keeps other runs out: kept while a run lasts, and taken over from one that died"}
	case ForDiagnosis:
		return []string{"--diagnose: to tell the cause of a failed deployment; deploying needs none of it"}
	case ForObject:
		return []string{what}
	case ForHook:
		return []string{"hook " + what}
	case ForCRD:
		return []string{"made at the first install, never deleted: " + what}
	case ForWaiting:
		if in.AnyName {
			return []string{"waiting for " + what}
		}
		return []string{"waiting for " + what + "; list and watch cannot be narrowed to names"}
	case ForParts:
		return []string{"how the pods are that belong to " + what}
	case ForGrant:
		return []string{"granted by " + what + ": nobody may grant what he does not have"}
	case ForEscalation:
		return []string{what + " gathers the rules of other roles, which only escalate on it or cluster-admin allows"}
	case ForBinding:
		return []string{"bound by " + what + ", and not part of the chart: this allows to bind it, and nothing that it allows"}
	case ForOwnBinding:
		return []string{"bound by " + what + ": asked for before anything is changed, when the role is not there yet"}
	case ForLookup:
		return []string{"looked up while the chart is rendered, by " + what}
	case ForLogs:
		return []string{"the output of hook " + what}
	case ForHost:
		return []string{"OpenShift: " + what + " sets its host or certificate itself"}
	}
	return nil
}

// most objects are named in a line.
const most = 6

// objects lists objects with the templates they come from: "Deployment/a, Deployment/b (x.yaml)".
func objects(reasons []Reason) string {
	var files []string
	in := map[string][]string{}
	for _, r := range reasons {
		if !slices.Contains(files, r.File) {
			files = append(files, r.File)
		}
		if r.Object != "" && !slices.Contains(in[r.File], r.Object) {
			in[r.File] = append(in[r.File], r.Object)
		}
	}
	var parts []string
	said, total := 0, 0
	for _, f := range files {
		total += len(in[f])
		left := max(most-said, 0)
		names := in[f][:min(len(in[f]), left)]
		said += len(names)
		switch {
		case len(in[f]) == 0:
			parts = append(parts, f)
		case len(names) == 0:
		case f == "":
			parts = append(parts, strings.Join(names, ", "))
		default:
			parts = append(parts, strings.Join(names, ", ")+" ("+f+")")
		}
	}
	text := strings.Join(parts, ", ")
	if total > said {
		text += fmt.Sprintf(" and %d more", total-said)
	}
	return text
}
