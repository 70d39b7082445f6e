package ratelimit

import "net/netip"

// AddressKey returns the key under which a client address is limited: an IPv4
// address by itself, an IPv6 address by its /64, since one subscriber has at
// least that many. A mapped IPv4 address is that IPv4 address, and a zone is
// dropped. The zero Addr means that the client is not known; ok is false then,
// and the caller must take from no allowance, or all unknown clients would share
// one and lock each other out.
func AddressKey(addr netip.Addr) (key string, ok bool) {
	b, ok := AppendAddressKey(make([]byte, 0, 48), addr)
	return string(b), ok
}

// AppendAddressKey is [AddressKey], appending to dst.
func AppendAddressKey(dst []byte, addr netip.Addr) (key []byte, ok bool) {
	if !addr.IsValid() {
		return dst, false
	}
	addr = addr.Unmap().WithZone("")
	if addr.Is4() {
		return addr.AppendTo(dst), true
	}
	prefix, err := addr.Prefix(64)
	if err != nil {
		return dst, false
	}
	return prefix.AppendTo(dst), true
}
