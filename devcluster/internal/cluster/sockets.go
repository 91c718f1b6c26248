package cluster

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// maxSocketDir is the longest path of a directory in which every system accepts Unix
// sockets with the names used here.
const maxSocketDir = 80

// sockets returns a directory for Unix sockets that only this user can enter: one below d,
// or, when that lies too deep for a socket's path, one in the temporary directory. The
// latter has the same name each time, so that killed runs do not pile up.
func (d directory) sockets() (string, error) {
	path := d.path("sockets")
	if len(path) > maxSocketDir {
		sum := sha256.Sum256([]byte(d))
		path = filepath.Join(os.TempDir(), "fairlead-devcluster-"+hex.EncodeToString(sum[:8]))
	}
	if err := os.Mkdir(path, 0o700); err != nil && !os.IsExist(err) {
		return "", fmt.Errorf("making directory of sockets: %w", err)
	}
	// In the temporary directory someone else may have been first.
	info, err := os.Lstat(path)
	if err != nil {
		return "", fmt.Errorf("checking directory of sockets: %w", err)
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !info.IsDir() || info.Mode().Perm() != 0o700 || !ok || int(stat.Uid) != os.Getuid() {
		return "", fmt.Errorf("checking directory of sockets: %s is not a directory of this user alone", path)
	}
	return path, nil
}
