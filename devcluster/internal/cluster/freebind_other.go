//go:build !linux

package cluster

import "syscall"

func freeBind(_, _ string, _ syscall.RawConn) error { return nil }
