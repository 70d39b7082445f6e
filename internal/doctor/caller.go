package doctor

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// caller judges whether the server knows who calls. What it saw of the probe
// with forged headers decides. It returns false, and why, if nothing is known.
func (j *judge) caller() (bool, string) {
	if len(j.Origin.Mounts) == 0 || !j.Server.Ours() {
		return false, "the running server could not be asked"
	}
	m := j.Origin.Mounts[0]
	for _, e := range []*Exchange{m.Forged, j.Origin.Stray} {
		if e.Done() && strings.Contains(e.Header.Get("Location"), forgedHost) {
			j.hostBelieved(e)
			break
		}
	}
	e := m.Forged
	if !e.Ours() {
		if e = m.First; !e.Ours() {
			why := "no probe reached the server through the public origin"
			if len(j.servers()) > 1 {
				why += "; " + j.working() + ", and each can be asked on its own machine"
			}
			return false, why
		}
	}
	forged := e == m.Forged
	c := j.Settings.ClientAddress
	peer := addressOf(e.Seen.Peer)
	direct := e.Source.IsValid() && sameEnd(e.Seen.Peer, e.Source)
	switch {
	case len(c.TrustedProxies) > 0 && direct, j.Settings.BehindProxy && direct:
		setting := "client_address.trusted_proxies"
		if len(c.TrustedProxies) == 0 {
			setting = "behind_proxy"
		}
		j.bypassed(setting, "the connection of a probe arrived at Gatehouse as it was made, without a hop between")
	case len(c.TrustedProxies) > 0:
		j.throughProxies(e, peer, forged)
	case c.PeerIsClient && !direct && j.hopShows(e, peer):
		j.add("peer-is-a-proxy", "client_address.peer_is_client", "remove client_address.peer_is_client, and say\nclient_address:\n  trusted_proxies: ["+yamlAddress(peer)+"]\nif the proxy replaces or appends to "+c.Header+"; else leave both out", "the connection comes from %s, and not from the caller", peer)
	case !c.PeerIsClient && j.Settings.BehindProxy:
		j.add("client-address-unknown", "client_address.trusted_proxies", "let the proxy that browsers connect to set X-Forwarded-For (nginx: proxy_set_header X-Forwarded-For $remote_addr), and then say\nclient_address:\n  trusted_proxies: ["+yamlAddress(peer)+"]",
			"behind_proxy is set, and client_address names no proxy; the connection came from %s", peer)
	}
	return true, ""
}

func (j *judge) hostBelieved(e *Exchange) {
	j.add("forwarded-host-believed", "", "let the proxy that browsers connect to replace it: nginx proxy_set_header X-Forwarded-Host $host", "a page of %s, asked for with a forged X-Forwarded-Host, leads to the forged host", j.Settings.PublicOrigin)
}

func (j *judge) bypassed(setting, seen string) {
	j.add("proxy-bypassed", setting, "let "+j.Settings.PublicOrigin+" lead to the proxy, and listen where only the proxy comes\nif browsers are meant to connect directly, set client_address.peer_is_client: true in place of trusted_proxies and behind_proxy", "%s", seen)
}

// throughProxies judges the chain of trusted hops.
func (j *judge) throughProxies(e *Exchange, peer netip.Addr, forged bool) {
	c, seen := j.Settings.ClientAddress, e.Seen
	trusted := trustedBy(c.TrustedProxies)
	client, _ := netip.ParseAddr(seen.Client)
	lines := seen.Forwarding[headerName(c.Header)]
	entries := entriesOf(lines)
	own := e.Source.Addr().Unmap()
	fix := "nginx, in the server that browsers connect to: proxy_set_header " + c.Header + " $remote_addr;"
	switch {
	case !trusted(peer) && forged && !j.hopShows(e, peer) && !peer.IsPrivate():
		j.bypassed("client_address.trusted_proxies", "a request arrived from an address that is no trusted proxy's, without any mark of a proxy")
	case !trusted(peer):
		j.add("proxy-not-trusted", "client_address.trusted_proxies", "client_address:\n  trusted_proxies: ["+strings.Join(append(quotedAll(c.TrustedProxies), yamlAddress(peer)), ", ")+"]", "the connection comes from %s, which is not in client_address.trusted_proxies", peer)
	case forged && client == netip.MustParseAddr(forgedAddress) && !appended(entries, own):
		j.add("forwarded-for-forged", "client_address.trusted_proxies", fix+"\nuntil then remove client_address.trusted_proxies", "a probe sent with a forged %s: %s was taken for a caller of that address", c.Header, forgedAddress)
	case !client.IsValid() && len(lines) == 0:
		j.add("forwarded-for-missing", "client_address.header", fix+"\nor name in client_address.header the header that it does set", "a request arrived from %s without %s", peer, c.Header)
	case !client.IsValid() && !appended(entries, own) && slices.ContainsFunc(entries, func(s string) bool { return !addressOf(s).IsValid() }):
		j.add("forwarded-for-unreadable", "client_address.header", fix, "%s arrived with something that is not an address", c.Header)
	case client.IsValid() && client != own && j.isHop(entries, client, own):
		j.add("hop-not-trusted", "client_address.trusted_proxies", "client_address:\n  trusted_proxies: ["+strings.Join(append(quotedAll(c.TrustedProxies), yamlAddress(client)), ", ")+"]", "%s was taken for the caller, and it is a hop behind the one that the probe came to", client)
	}
}

// isHop says whether a hop appended the address of the one before it, and not
// the caller's: then the caller's own stands further left.
func (j *judge) isHop(entries []string, client, own netip.Addr) bool {
	for i, s := range entries {
		if addressOf(s) == own {
			return slices.ContainsFunc(entries[i+1:], func(s string) bool { return addressOf(s) == client })
		}
	}
	return false
}

// appended says whether a hop named this end of the probe's connection.
func appended(entries []string, own netip.Addr) bool {
	return own.IsValid() && slices.ContainsFunc(entries, func(s string) bool { return addressOf(s) == own })
}

func entriesOf(lines []string) (list []string) {
	for _, line := range lines {
		for entry := range strings.SplitSeq(line, ",") {
			list = append(list, strings.Trim(entry, " \t"))
		}
	}
	return list
}

// hopShows says whether the request has the marks of a proxy on it.
func (j *judge) hopShows(e *Exchange, peer netip.Addr) bool {
	if peer.IsLoopback() && !e.Seen.TLS {
		return true // no network translates addresses to this machine's own
	}
	if j.https() && !e.Seen.TLS {
		return true
	}
	for name, lines := range e.Seen.Forwarding {
		switch name {
		case "X-Forwarded-Proto", "X-Forwarded-Port", "Via":
			return true // never sent by the probe
		case "X-Forwarded-For":
			if entries := entriesOf(lines); len(entries) > 0 && (len(entries) > 1 || entries[0] != forgedAddress) {
				return true
			}
		}
	}
	return false
}

func headerName(name string) string {
	if name == "" {
		return "X-Forwarded-For"
	}
	return http.CanonicalHeaderKey(name)
}

// addressOf reads an address with or without a port.
func addressOf(s string) netip.Addr {
	if both, err := netip.ParseAddrPort(s); err == nil {
		return both.Addr().Unmap().WithZone("")
	}
	a, err := netip.ParseAddr(strings.Trim(s, "[]"))
	if err != nil {
		return netip.Addr{}
	}
	return a.Unmap().WithZone("")
}

// sameEnd says whether the peer that the server saw is this end of the
// connection that the probe made.
func sameEnd(peer string, source netip.AddrPort) bool {
	p, err := netip.ParseAddrPort(peer)
	return err == nil && p.Addr().Unmap() == source.Addr().Unmap() && p.Port() == source.Port()
}

func trustedBy(list []string) func(netip.Addr) bool {
	return func(a netip.Addr) bool {
		return slices.ContainsFunc(list, func(s string) bool {
			if one, err := netip.ParseAddr(s); err == nil {
				return one == a
			}
			p, err := netip.ParsePrefix(s)
			return err == nil && p.Contains(a)
		})
	}
}

func quotedAll(list []string) (out []string) {
	for _, s := range list {
		if strings.Contains(s, ":") {
			s = `"` + s + `"`
		}
		out = append(out, s)
	}
	return out
}

// yamlAddress is an address as a YAML list takes it.
func yamlAddress(a netip.Addr) string {
	if a.Is6() {
		return `"` + a.String() + `"`
	}
	return a.String()
}
