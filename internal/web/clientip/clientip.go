package clientip

import (
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"strings"
)

const (
	forwardedFor = "X-Forwarded-For"
	// maxHops is how many trusted hops are passed through. No real chain is as
	// long; a longer header wants to keep us busy.
	maxHops = 16
	// maxEntry is the longest entry that is read: an IPv6 address in its longest
	// form, with zone, brackets and port.
	maxEntry = 80
)

// Resolver says how the client address is found. The zero value finds none: all
// clients are unknown. It is safe for concurrent use as long as nobody changes
// it.
type Resolver struct {
	// Trusted are the proxies that may speak of the client, by the addresses
	// they connect from. All hops between the client and this program belong
	// here, or the nearest one that does not is taken for the client.
	Trusted []netip.Prefix
	// Header is where they say it; empty means X-Forwarded-For, which is read
	// as a list. Any other (CF-Connecting-IP, X-Real-IP) must hold one address.
	// The outermost trusted proxy must set or append to it, whatever it was
	// sent.
	Header string
	// PeerIsClient says that clients connect directly. It counts only if
	// Trusted is empty.
	PeerIsClient bool
}

// Validate reports every setting that cannot work, each by its field.
func (r Resolver) Validate() error {
	var errs []error
	for i, p := range r.Trusted {
		if !p.IsValid() {
			errs = append(errs, fmt.Errorf("client address: Trusted[%d] is not an address range", i))
		}
	}
	if strings.ContainsFunc(r.Header, func(c rune) bool {
		return c != '-' && c != '_' && (c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z')
	}) {
		errs = append(errs, fmt.Errorf("client address: Header %q is not the name of a header", r.Header))
	}
	if strings.EqualFold(r.Header, "Forwarded") {
		errs = append(errs, errors.New("client address: Header Forwarded (RFC 7239) is not supported; let the proxy set X-Forwarded-For"))
	}
	if len(r.Trusted) == 0 && r.Header != "" {
		errs = append(errs, errors.New("client address: Header is set and Trusted is empty: anybody could forge it"))
	}
	return errors.Join(errs...)
}

// Resolve returns the client address of a request with the given RemoteAddr and
// header, or the zero Addr if it is not known. The address has no zone, and a
// mapped IPv4 address is returned as IPv4.
//
// Without trusted proxies the client is the peer, if PeerIsClient, and unknown
// otherwise. With them, a peer that is none of them connected directly and is
// the client itself, whatever its header says. A trusted peer is asked for its
// header: from the right, across all lines, trusted hops are passed and the
// first other address is the client. A header that is missing, malformed up to
// there, names nobody but trusted hops, or has a single-value header more than
// once, gives unknown.
func (r Resolver) Resolve(remoteAddr string, h http.Header) netip.Addr {
	peer := parseEntry(remoteAddr)
	if len(r.Trusted) == 0 {
		if r.PeerIsClient {
			return peer
		}
		return netip.Addr{}
	}
	if !peer.IsValid() { // a socket without an address: who it is, nobody says
		return netip.Addr{}
	}
	if !r.trusts(peer) {
		return peer
	}
	if r.Header == "" || strings.EqualFold(r.Header, forwardedFor) {
		return r.fromList(h.Values(forwardedFor))
	}
	if values := h.Values(r.Header); len(values) == 1 {
		return parseEntry(trimSpace(values[0]))
	}
	return netip.Addr{}
}

// fromList walks a list header from its end.
func (r Resolver) fromList(lines []string) netip.Addr {
	hops := 0
	for i := len(lines) - 1; i >= 0; i-- {
		rest, more := lines[i], true
		for more {
			var entry string
			rest, entry, more = cutLast(rest)
			addr := parseEntry(trimSpace(entry))
			if !addr.IsValid() || !r.trusts(addr) {
				return addr
			}
			if hops++; hops > maxHops {
				return netip.Addr{}
			}
		}
	}
	return netip.Addr{}
}

// cutLast cuts off what is behind the last comma. It looks no further back than
// an entry can be long, so that a header of megabytes costs nothing.
func cutLast(s string) (rest, entry string, more bool) {
	from := max(len(s)-maxEntry-1, 0)
	if i := strings.LastIndexByte(s[from:], ','); i >= 0 {
		return s[:from+i], s[from+i+1:], true
	}
	return "", s, false
}

func (r Resolver) trusts(addr netip.Addr) bool {
	for _, p := range r.Trusted {
		if p.Addr().Is4In6() && p.Bits() >= 96 { // written as ::ffff:192.0.2.0/120
			p = netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
		}
		if p.Contains(addr) {
			return true
		}
	}
	return false
}

// parseEntry reads an address as peers and proxies write it: alone or with a
// port, IPv6 with or without brackets. It returns the zero Addr for anything
// else, the unspecified address included.
func parseEntry(s string) netip.Addr {
	if len(s) == 0 || len(s) > maxEntry {
		return netip.Addr{}
	}
	var addr netip.Addr
	var err error
	bare, bracketed := strings.CutPrefix(s, "[")
	switch {
	case bracketed && strings.HasSuffix(bare, "]"):
		addr, err = netip.ParseAddr(strings.TrimSuffix(bare, "]"))
		if addr.Is4() {
			return netip.Addr{}
		}
	case bracketed || strings.Count(s, ":") == 1:
		var both netip.AddrPort
		both, err = netip.ParseAddrPort(s)
		addr = both.Addr()
	default:
		addr, err = netip.ParseAddr(s)
	}
	addr = addr.WithZone("").Unmap()
	if err != nil || addr.IsUnspecified() {
		return netip.Addr{}
	}
	return addr
}

// trimSpace trims the optional white space of RFC 9110 §5.6.3 and no other.
func trimSpace(s string) string { return strings.Trim(s, " \t") }
