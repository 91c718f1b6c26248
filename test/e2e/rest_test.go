package e2e

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"
)

// audited is what is read of a line of the API server's audit log.
type audited struct {
	Stage, Verb, RequestURI, UserAgent, StageTimestamp string
	ObjectRef                                          struct{ Resource, Name string }
}

// requests are the controller's requests in the audit log after an offset, and where the log ends.
func requests(t *testing.T, offset int64) ([]audited, int64) {
	t.Helper()
	f, err := os.Open(cluster.Options.AuditLog)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.Seek(offset, 0); err != nil {
		t.Fatal(err)
	}
	var all []audited
	lines := bufio.NewReader(f)
	for {
		line, err := lines.ReadBytes('\n')
		if err != nil {
			return all, offset // what is not a whole line yet is read next time
		}
		offset += int64(len(line))
		var a audited
		if err := json.Unmarshal(line, &a); err != nil {
			t.Fatalf("reading the audit log: %v", err)
		}
		if strings.HasPrefix(a.UserAgent, "fairlead-controller") {
			all = append(all, a)
		}
	}
}

// quiet is how long nothing happens while it is watched what the controller does.
const quiet = 3*interval + interval/2

// TestAtRest watches a controller with nothing to do: it holds watches and renews its lease, asks
// each Git repository once per interval, and sends nothing else.
func TestAtRest(t *testing.T) {
	s := tell(t, "rest")
	const repo = "rest/charts"
	s.commit(repo, "main", merge(s.chart("web", "web"), s.chart("web", "other")))
	const releases = 8
	var all string
	for i := range releases {
		all += s.helmRelease(fmt.Sprintf("web-%d", i), repo, []string{"web", "other"}[i%2], "{}")
	}
	s.kubectl(all)
	for i := range releases {
		s.released(s.ns, fmt.Sprintf("web-%d", i))
	}
	// Statuses of other stories may still be on their way: rest begins with a quiet second.
	_, at := requests(t, 0)
	since := time.Now()
	within(t, patient, "the controller comes to rest", func() error {
		var seen []audited
		if seen, at = requests(t, at); busy(seen) > 0 {
			since = time.Now()
		}
		if time.Since(since) < 2*time.Second {
			return fmt.Errorf("%s", dump(seen))
		}
		return nil
	})
	mark, before, begin := s.log.mark(), s.git.Counts(), time.Now()
	var seen []audited
	within(t, quiet+patient, "the quiet time passes", func() error {
		more, end := requests(t, at)
		seen, at = append(seen, more...), end
		if left := quiet - time.Since(begin); left > 0 {
			return fmt.Errorf("%s are left", left)
		}
		return nil
	})
	counts := map[string]int{}
	for _, a := range seen {
		counts[a.Verb+" "+a.ObjectRef.Resource]++
		if busy([]audited{a}) > 0 {
			t.Errorf("at rest: %s %s", a.Verb, a.RequestURI)
		}
	}
	after := s.git.Counts()
	lists := after.LsRefs - before.LsRefs
	repos := s.knownRepos()
	most := int64(repos) * int64(time.Since(begin)/interval+1)
	t.Logf("%s at rest with %d releases: requests %v; %d lists of refs and %d fetches from %d repositories (at most %d lists)",
		time.Since(begin).Round(time.Millisecond), releases, counts, lists, after.Fetches-before.Fetches, repos, most)
	if lists > most {
		t.Errorf("%d lists of refs, want at most one per repository and interval: %d", lists, most)
	}
	if after.Fetches != before.Fetches {
		t.Errorf("%d fetches although nothing was pushed", after.Fetches-before.Fetches)
	}
	if runs := s.log.runs(mark); len(runs) > 0 {
		t.Errorf("runs at rest: %q", runs)
	}
}

// busy counts requests that are neither watches nor leases.
func busy(all []audited) int {
	n := 0
	for _, a := range all {
		if a.Verb != "watch" && a.ObjectRef.Resource != "leases" {
			n++
		}
	}
	return n
}

// knownRepos is how many repositories of the open Git server the controller may ask: those of its
// roots and of this story.
func (s *story) knownRepos() int { return 3 + 1 }
