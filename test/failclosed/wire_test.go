package failclosed_test

import (
	"io"
	"net"
	"strconv"
	"sync"
	"testing"
)

// wire passes connections on to a database, which can be changed for another one
// while a server knows one address alone: as an address does that moves to
// another machine, or a proxy in front of several.
type wire struct {
	listener net.Listener

	mu    sync.Mutex
	port  int
	conns []net.Conn
}

func newWire(t *testing.T, port int) *wire {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w := &wire{listener: l, port: port}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		w.accept()
	}()
	t.Cleanup(func() {
		l.Close()
		<-ended
		w.lead(0)
	})
	return w
}

func (w *wire) address() string { return w.listener.Addr().String() }

// lead lets every connection end, and new ones go to the port.
func (w *wire) lead(port int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.port = port
	for _, c := range w.conns {
		c.Close()
	}
	w.conns = nil
}

func (w *wire) accept() {
	for {
		from, err := w.listener.Accept()
		if err != nil {
			return
		}
		w.mu.Lock()
		to, err := net.Dial("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(w.port)))
		if err != nil {
			w.mu.Unlock()
			from.Close()
			continue
		}
		w.conns = append(w.conns, from, to)
		w.mu.Unlock()
		for _, way := range [][2]net.Conn{{from, to}, {to, from}} {
			go func() { // ends with either connection
				_, _ = io.Copy(way[0], way[1])
				way[0].Close()
				way[1].Close()
			}()
		}
	}
}
