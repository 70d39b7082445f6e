package main

import (
	"errors"
	"net"
	"syscall"
	"testing"
)

func TestCloseDoor_refusesNewConnectionsAndKeepsThoseThatWait(t *testing.T) {
	for _, address := range []string{"127.0.0.1:0", "[::1]:0", ":0"} {
		ln, err := net.Listen("tcp", address)
		if err != nil {
			t.Logf("%s: %v", address, err) // a machine without IPv6
			continue
		}
		defer ln.Close()
		waiting, err := net.Dial("tcp", ln.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer waiting.Close()
		closeDoor(ln)
		if conn, err := net.Dial("tcp", ln.Addr().String()); !errors.Is(err, syscall.ECONNREFUSED) {
			t.Errorf("%s: a new connection: %v, %v", address, conn, err)
		}
		conn, err := ln.Accept()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := waiting.Write([]byte("x")); err != nil {
			t.Error(err)
		}
		b := make([]byte, 1)
		if _, err := conn.Read(b); err != nil || b[0] != 'x' {
			t.Errorf("%s: the connection that waited: %q, %v", address, b, err)
		}
		conn.Close()
	}
}
