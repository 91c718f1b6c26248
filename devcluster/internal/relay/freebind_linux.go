package relay

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// freeBind allows listening at an address the machine does not have yet.
func freeBind(_, _ string, c syscall.RawConn) error {
	var err error
	if controlErr := c.Control(func(fd uintptr) {
		err = unix.SetsockoptInt(int(fd), unix.SOL_IP, unix.IP_FREEBIND, 1)
	}); controlErr != nil {
		return controlErr
	}
	return err
}
