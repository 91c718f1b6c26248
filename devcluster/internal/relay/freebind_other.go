//go:build !linux

package relay

import "syscall"

func freeBind(_, _ string, _ syscall.RawConn) error { return nil }
