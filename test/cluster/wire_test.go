//go:build linux

package cluster_test

import (
	"encoding/binary"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"testing"
)

// wire passes connections on to the database. It stands for the network between
// one server and it.
type wire struct {
	listener net.Listener
	// target is where it leads, an address as a text.
	target atomic.Value
	// deaf swallows notifications, cut everything: connections stay open and
	// nothing arrives.
	deaf, cut atomic.Bool

	mu    sync.Mutex
	conns []net.Conn
}

func newWire(t *testing.T, target string) *wire {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w := &wire{listener: l}
	w.target.Store(target)
	go w.accept()
	t.Cleanup(func() {
		l.Close()
		w.drop()
	})
	return w
}

func (w *wire) address() string { return w.listener.Addr().String() }

func (w *wire) accept() {
	for {
		from, err := w.listener.Accept()
		if err != nil {
			return
		}
		w.keep(from)
		if w.cut.Load() {
			continue
		}
		to, err := net.Dial("tcp", w.target.Load().(string))
		if err != nil {
			from.Close()
			continue
		}
		w.keep(to)
		go w.forward(to, from)
		go w.backward(from, to)
	}
}

func (w *wire) keep(c net.Conn) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.conns = append(w.conns, c)
}

// drop resets every connection.
func (w *wire) drop() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, c := range w.conns {
		c.Close()
	}
	w.conns = nil
}

// forward passes on what the server says.
func (w *wire) forward(to, from net.Conn) {
	defer to.Close()
	b := make([]byte, 32<<10)
	for {
		n, err := from.Read(b)
		if err != nil {
			return
		}
		if w.cut.Load() {
			continue
		}
		if _, err := to.Write(b[:n]); err != nil {
			return
		}
	}
}

// backward passes on what the database says, message by message: one byte of
// kind and four of length (PostgreSQL documentation, "Message Formats").
func (w *wire) backward(to, from net.Conn) {
	defer to.Close()
	for {
		var head [5]byte
		if _, err := io.ReadFull(from, head[:]); err != nil {
			return
		}
		message := make([]byte, 1+binary.BigEndian.Uint32(head[1:]))
		copy(message, head[:])
		if _, err := io.ReadFull(from, message[5:]); err != nil {
			return
		}
		if w.cut.Load() || w.deaf.Load() && head[0] == 'A' {
			continue
		}
		if _, err := to.Write(message); err != nil {
			return
		}
	}
}
