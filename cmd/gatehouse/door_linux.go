package main

import (
	"math"
	"net"

	"golang.org/x/sys/unix"
)

// closeDoor refuses new connections on the listener, while those whose
// handshake is under way or done can still be accepted. Closing the listener
// at once would reset those, and on some a request has been sent already.
//
// The listening socket is bound to a network interface that does not exist, so
// that no segment finds it any more; connections that have begun carry an
// interface of their own. Linux before 5.7 allows this to root alone; where it
// is not allowed nothing happens here, and a few requests in the instant of
// closing may be reset.
func closeDoor(ln net.Listener) {
	tcp, ok := ln.(*net.TCPListener)
	if !ok {
		return
	}
	raw, err := tcp.SyscallConn()
	if err != nil {
		return
	}
	_ = raw.Control(func(fd uintptr) {
		_ = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_BINDTOIFINDEX, math.MaxInt32)
	})
}
