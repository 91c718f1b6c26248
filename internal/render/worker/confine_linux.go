package worker

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"

	"github.com/landlock-lsm/go-landlock/landlock"
	landlocksys "github.com/landlock-lsm/go-landlock/landlock/syscall"
	"golang.org/x/sys/unix"
)

// The order matters: Landlock comes last, because the others read /proc.
var confinements = []confinement{
	{"memory", limitMemory},
	{"resources", limitResources},
	{"network", checkNetwork},
	{"files", limitFiles},
}

// limitMemory bounds all writable private memory, beyond what is mapped already: Go's runtime ends
// the process when it cannot have more. RLIMIT_AS would not do, Go reserves far more addresses
// than it uses.
func limitMemory(h hello) error {
	if h.Memory <= 0 {
		return nil
	}
	used, err := dataSize()
	if err != nil {
		return err
	}
	limit := uint64(used + h.Memory + threadStacks)
	return unix.Setrlimit(unix.RLIMIT_DATA, &unix.Rlimit{Cur: limit, Max: limit})
}

// threadStacks is for the stacks of threads yet to be started, 8 MiB each when the C library makes
// them: they count although hardly any of it is ever used.
const threadStacks = 64 << 20

func dataSize() (int64, error) {
	f, err := os.Open("/proc/self/status")
	if err != nil {
		return 0, err
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		rest, ok := strings.CutPrefix(lines.Text(), "VmData:")
		if !ok {
			continue
		}
		kib, err := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(rest), "kB")), 10, 64)
		return kib << 10, err
	}
	return 0, errors.New("VmData is not told")
}

// maxCPU is for a worker whose parent is stopped and cannot end it: seconds in all its life.
const maxCPU = 3_600

func limitResources(hello) error {
	for what, limit := range map[int]uint64{
		unix.RLIMIT_FSIZE: 0, unix.RLIMIT_CORE: 0, unix.RLIMIT_NOFILE: 128, unix.RLIMIT_CPU: maxCPU,
	} {
		if err := unix.Setrlimit(what, &unix.Rlimit{Cur: limit, Max: limit}); err != nil {
			return err
		}
	}
	return nil
}

// checkNetwork reports whether the parent could start this process without a network.
func checkNetwork(hello) error {
	interfaces, err := net.Interfaces()
	if err != nil {
		return nil // not even a list: there is nothing to reach
	}
	for _, i := range interfaces {
		if i.Flags&net.FlagUp != 0 {
			if abi, err := landlocksys.LandlockGetABIVersion(); err == nil && abi >= 4 {
				return nil // limitFiles forbids TCP
			}
			return errors.New("a network namespace of its own is not permitted, and this kernel has no Landlock for networks")
		}
	}
	return nil
}

// limitFiles leaves artifacts and time zones to read, and nothing to write, execute or connect to.
func limitFiles(h hello) error {
	abi, err := landlocksys.LandlockGetABIVersion()
	if err != nil || abi < 1 {
		return errors.New("this kernel has no Landlock")
	}
	rules := []landlock.Rule{landlock.RODirs("/usr/share/zoneinfo").IgnoreIfMissing()}
	if len(h.Roots) == 0 {
		rules = append(rules, landlock.RODirs("/"))
	} else {
		rules = append(rules, landlock.RODirs(h.Roots...).IgnoreIfMissing())
	}
	if err := landlock.V5.BestEffort().Restrict(rules...); err != nil {
		return fmt.Errorf("landlock: %w", err)
	}
	return nil
}
