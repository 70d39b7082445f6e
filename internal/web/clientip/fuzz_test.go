package clientip_test

import (
	"net/http"
	"net/netip"
	"strings"
	"testing"

	"github.com/gatehouse-auth/gatehouse/internal/web/clientip"
)

// FuzzResolve_singleHeader is for proxies that set one header with one address.
// What comes out is that address and nothing else; other headers, a second line
// and peers that nobody trusts change nothing.
func FuzzResolve_singleHeader(f *testing.F) {
	f.Add("10.0.0.1:1234", "192.0.2.1", "", "198.51.100.7", "for=198.51.100.7")
	f.Add("10.0.0.1:1", "[2001:db8::1]:5", "192.0.2.2", "", `for="[2001:db8::9]:1";proto=https`)
	f.Add("192.0.2.9:1", "198.51.100.7", "", "10.0.0.1", "for=10.0.0.1, for=unknown")
	f.Add("[::ffff:10.0.0.1]:1", "::ffff:192.0.2.1", "", ",", ";")
	f.Add("@", "0.0.0.0", "", "::", "for=_hidden")
	f.Add("10.0.0.1:1", " 192.0.2.1\t", "", "\x00", "for=\"")
	f.Add("10.0.0.1:1", "192.0.2.1, 198.51.100.7", "", "", "")
	f.Add("10.0.0.1:1", "fe80::1%eth0", "", "", "")
	f.Fuzz(func(t *testing.T, remote, one, two, list, forwarded string) {
		single := clientip.Resolver{Trusted: behind.Trusted, Header: "CF-Connecting-IP"}
		h := lines("Cf-Connecting-Ip", one)
		if two != "" {
			h.Add("Cf-Connecting-Ip", two)
		}
		got := single.Resolve(remote, h)
		if got.Zone() != "" || got.Is4In6() || got.IsValid() && got.IsUnspecified() {
			t.Errorf("%v is not in its one form", got)
		}

		// Headers that are not the one have no say.
		more := h.Clone()
		for _, name := range []string{"X-Forwarded-For", "X-Real-Ip", "True-Client-Ip"} {
			more.Add(name, list)
		}
		more.Add("Forwarded", forwarded)
		if again := single.Resolve(remote, more); again != got {
			t.Errorf("Resolve(%q, %q) = %v, and %v beside other headers", remote, h, got, again)
		}

		direct := clientip.Resolver{PeerIsClient: true}.Resolve(remote, nil)
		if again := (clientip.Resolver{PeerIsClient: true}).Resolve(remote, more); again != direct {
			t.Errorf("a client that connects directly from %q is %v, and %v with headers", remote, direct, again)
		}
		if nobody := (clientip.Resolver{}).Resolve(remote, more); nobody.IsValid() {
			t.Errorf("with nobody to vouch, %q is %v", remote, nobody)
		}
		trusted := false
		for _, p := range behind.Trusted {
			trusted = trusted || p.Contains(direct)
		}
		switch {
		case !direct.IsValid():
			if got.IsValid() {
				t.Errorf("a peer %q without an address is %v by its header", remote, got)
			}
		case !trusted:
			if got != direct {
				t.Errorf("an untrusted peer %q with %q is %v", remote, h, got)
			}
		case two != "":
			if got.IsValid() {
				t.Errorf("a header sent twice, %q, is %v", h, got)
			}
		case got.IsValid() && !says(one, got):
			t.Errorf("%q is read as %v", one, got)
		}

		// The walk through a list ends at something that the list, or the
		// connection, says.
		walked := behind.Resolve(remote, http.Header{"X-Forwarded-For": {list, one}, "Forwarded": {forwarded}})
		if walked.IsValid() && walked != direct && !says(list, walked) && !says(one, walked) {
			t.Errorf("Resolve(%q, %q %q) = %v, which nobody says", remote, list, one, walked)
		}
	})
}

// says reports whether an entry of the list is the address, read by the standard
// library alone.
func says(list string, want netip.Addr) bool {
	for entry := range strings.SplitSeq(list, ",") {
		entry = strings.Trim(entry, " \t")
		addr, err := netip.ParseAddr(strings.TrimSuffix(strings.TrimPrefix(entry, "["), "]"))
		if both, ok := netip.ParseAddrPort(entry); err != nil && ok == nil {
			addr = both.Addr()
		}
		if addr.WithZone("").Unmap() == want {
			return true
		}
	}
	return false
}
