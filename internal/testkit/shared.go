package testkit

import (
	"context"
	"fmt"
	"os"
	"sync"
)

// SharedCluster gives the tests of one binary one cluster. Declare one in the test package and
// run the tests through Main:
//
//	var cluster testkit.SharedCluster
//
//	func TestMain(m *testing.M) { os.Exit(cluster.Main(m)) }
type SharedCluster struct {
	Options ClusterOptions

	once    sync.Once
	cluster *Cluster
	err     error
}

// test is what is needed of a *testing.T or *testing.B.
type test interface {
	Helper()
	Fatal(args ...any)
}

// Get starts the cluster the first time a test asks for it. A test that cannot have it fails:
// what was not tested must not look as if it was.
func (s *SharedCluster) Get(t test) *Cluster {
	t.Helper()
	s.once.Do(func() { s.cluster, s.err = StartCluster(context.Background(), s.Options) })
	if s.err != nil {
		t.Fatal(s.err)
	}
	return s.cluster
}

// Main runs the tests and stops the cluster after them.
func (s *SharedCluster) Main(m interface{ Run() int }) int {
	code := m.Run()
	s.once.Do(func() {})
	if s.cluster != nil {
		s.cluster.Stop()
	}
	if s.err != nil {
		fmt.Fprintln(os.Stderr, s.err)
	}
	return code
}
