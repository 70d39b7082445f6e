package clientip

import "net/netip"

// Network says what kind of network an address is of.
type Network string

// The Networks.
const (
	// Public addresses are reached from everywhere.
	Public Network = "public"
	// Private addresses mean something in one house alone (RFC 1918, RFC 4193,
	// RFC 6598, link-local ones).
	Private Network = "private"
	// Loopback addresses are the server's own machine.
	Loopback Network = "loopback"
)

// carrier is what providers share among customers (RFC 6598).
var carrier = netip.PrefixFrom(netip.AddrFrom4([4]byte{100, 64}), 10)

// Coarse is an address as lists of sessions show it: enough to tell home from
// elsewhere, too little to find a person by. Of IPv4 the last byte is left out
// ("203.0.113.x"), of IPv6 all but the first 48 bits ("2001:db8:1::/48"), which
// is a site (RFC 6177). Both are empty for an address that is not known.
func Coarse(a netip.Addr) (text string, n Network) {
	if !a.IsValid() {
		return "", ""
	}
	a = a.Unmap().WithZone("")
	switch {
	case a.IsLoopback():
		n = Loopback
	case a.IsPrivate(), a.IsLinkLocalUnicast(), carrier.Contains(a):
		n = Private
	default:
		n = Public
	}
	if a.Is4() {
		b := a.As4()
		b[3] = 0
		text = netip.AddrFrom4(b).String()
		return text[:len(text)-1] + "x", n
	}
	p, err := a.Prefix(48)
	if err != nil {
		return "", ""
	}
	return p.String(), n
}
