package doctor

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"

	"github.com/gatehouse-auth/gatehouse/internal/web/ops"
)

// looker asks over the network.
type looker struct {
	Options
	ops *http.Transport
	// asked: the server can be asked what it saw.
	asked bool
	// others is how many more servers work on the database: a balancer in front
	// may lead a probe to any of them.
	others int
}

// maxAnswer is how much of an answer is read.
const maxAnswer = 64 << 10

// server asks the ops listener.
func (l *looker) server(ctx context.Context) (s Server) {
	s.Asked = true
	var state struct{ Status, Reason string }
	code, err := l.ask(ctx, "/readyz", &state)
	var wrong *json.SyntaxError
	switch {
	case errors.As(err, &wrong), err == nil && (code != http.StatusOK && code != http.StatusServiceUnavailable || state.Status == ""):
		s.Foreign = true
		return s
	case err != nil:
		s.Err = err
		s.Taken = l.listens(ctx)
		return s
	}
	s.Ready, s.Reason = code == http.StatusOK, state.Reason
	if code, err := l.ask(ctx, "/instance", &s.Instance); err != nil || code != http.StatusOK || s.Instance.Program != "gatehouse" {
		s.Old = true
	}
	return s
}

// listens says whether somebody takes connections at the listener's address.
func (l *looker) listens(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, l.Timeout)
	defer cancel()
	c, err := l.dialer("")(ctx, "tcp", reachable(l.Settings.Listen))
	if err != nil {
		return false
	}
	c.Close()
	return true
}

// ask gets a JSON document from the ops listener.
func (l *looker) ask(ctx context.Context, path string, into any) (int, error) {
	ctx, cancel := context.WithTimeout(ctx, l.Timeout)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+reachable(l.Settings.OpsListen)+path, nil)
	if err != nil {
		return 0, err
	}
	res, err := l.ops.RoundTrip(r)
	if err != nil {
		return 0, cause(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	if err != nil {
		return 0, err
	}
	if err := json.Unmarshal(body, into); err != nil {
		return res.StatusCode, &json.SyntaxError{}
	}
	return res.StatusCode, nil
}

// seen asks what the server saw of the probes with the nonce.
func (l *looker) seen(ctx context.Context, nonce string) (list []ops.Seen) {
	if !l.asked {
		return nil
	}
	if code, err := l.ask(ctx, "/probes/"+nonce, &list); err != nil || code != http.StatusOK {
		return nil
	}
	return list
}

// reachable is an address to connect to for one that was listened on.
func reachable(listen string) string {
	host, port, err := net.SplitHostPort(listen)
	if err != nil {
		return listen
	}
	if a, err := netip.ParseAddr(host); host == "" || err == nil && a.IsUnspecified() {
		host = "127.0.0.1"
		if err == nil && a.Is6() {
			host = "::1"
		}
	}
	return net.JoinHostPort(host, port)
}

// dialer returns how to connect; instead, if not empty, is the address that
// takes the place of every other.
func (l *looker) dialer(instead string) func(ctx context.Context, network, address string) (net.Conn, error) {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		if instead != "" {
			address = instead
		}
		if l.Route != nil {
			address = l.Route(address)
		}
		return dialNetwork(ctx, network, address)
	}
}

// unlikely is a loopback address that no hop has: what a proxy on this machine
// says of the caller can then be told from what it says of another hop.
var unlikely = netip.MustParseAddr("127.83.17.4")

// dialNetwork connects; to this machine, from the unlikely address where the
// system allows it.
func dialNetwork(ctx context.Context, network, address string) (net.Conn, error) {
	var d net.Dialer
	if host, _, err := net.SplitHostPort(address); err == nil && localHost(host) {
		from := net.Dialer{LocalAddr: net.TCPAddrFromAddrPort(netip.AddrPortFrom(unlikely, 0))}
		if c, err := from.DialContext(ctx, "tcp4", address); err == nil {
			return c, nil
		}
	}
	return d.DialContext(ctx, network, address)
}

// cause leaves out of a network error what is said elsewhere.
func cause(err error) error {
	var op *net.OpError
	if errors.As(err, &op) && op.Op == "dial" {
		return op.Err
	}
	return err
}
