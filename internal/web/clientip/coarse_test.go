package clientip_test

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/gatehouse-auth/gatehouse/internal/web/clientip"
)

func TestCoarse_leavesOutWhatFindsAPerson(t *testing.T) {
	for _, c := range []struct {
		address, text string
		network       clientip.Network
	}{
		{"203.0.113.77", "203.0.113.x", clientip.Public},
		{"8.8.8.0", "8.8.8.x", clientip.Public},
		{"::ffff:203.0.113.77", "203.0.113.x", clientip.Public},
		{"127.0.0.1", "127.0.0.x", clientip.Loopback},
		{"::1", "::/48", clientip.Loopback},
		{"::ffff:127.0.0.1", "127.0.0.x", clientip.Loopback},
		{"10.20.30.40", "10.20.30.x", clientip.Private},
		{"192.168.1.200", "192.168.1.x", clientip.Private},
		{"100.64.9.1", "100.64.9.x", clientip.Private},
		{"169.254.1.2", "169.254.1.x", clientip.Private},
		{"2001:db8:1234:5678:9abc:def0:1:2", "2001:db8:1234::/48", clientip.Public},
		{"fe80::1%eth0", "fe80::/48", clientip.Private},
		{"fd12:3456:789a:1::1", "fd12:3456:789a::/48", clientip.Private},
	} {
		text, network := clientip.Coarse(netip.MustParseAddr(c.address))
		if text != c.text || network != c.network {
			t.Errorf("%s: %q, %q, want %q, %q", c.address, text, network, c.text, c.network)
		}
	}
	if text, network := clientip.Coarse(netip.Addr{}); text != "" || network != "" {
		t.Errorf("an unknown address: %q, %q", text, network)
	}
}

// Whatever the address: nobody learns its last 8 bits, or the last 80.
func FuzzCoarse(f *testing.F) {
	for _, a := range []string{"203.0.113.77", "::1", "fe80::1%x", "2001:db8::7"} {
		f.Add(netip.MustParseAddr(a).AsSlice(), byte(1))
	}
	f.Fuzz(func(t *testing.T, b []byte, change byte) {
		a, ok := netip.AddrFromSlice(b)
		if !ok || a.Is4In6() {
			return
		}
		text, network := clientip.Coarse(a)
		b[len(b)-1] ^= change
		other, _ := netip.AddrFromSlice(b)
		again, same := clientip.Coarse(other)
		if text != again {
			t.Errorf("%s is %q and %s is %q", a, text, other, again)
		}
		if network != same && !a.IsLoopback() && !other.IsLoopback() {
			t.Errorf("%s is %s and %s is %s", a, network, other, same)
		}
		if !strings.HasSuffix(text, ".x") && !strings.HasSuffix(text, "::/48") {
			t.Errorf("%q", text)
		}
	})
}
