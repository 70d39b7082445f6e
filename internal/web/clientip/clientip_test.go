package clientip_test

import (
	"net/http"
	"net/netip"
	"strings"
	"testing"

	"github.com/gatehouse-auth/gatehouse/internal/web/clientip"
)

func prefixes(s ...string) []netip.Prefix {
	var all []netip.Prefix
	for _, p := range s {
		all = append(all, netip.MustParsePrefix(p))
	}
	return all
}

// lines is a header whose named field has the given lines.
func lines(name string, values ...string) http.Header {
	h := http.Header{}
	for _, v := range values {
		h.Add(name, v)
	}
	return h
}

func xff(values ...string) http.Header { return lines("X-Forwarded-For", values...) }

// behind trusts a proxy network, Next on the loopback and an IPv6 network.
var behind = clientip.Resolver{Trusted: prefixes("10.0.0.0/8", "127.0.0.0/8", "::1/128", "2001:db8:ffff::/48")}

const unknown = ""

type resolveCase struct {
	name   string
	remote string
	header http.Header
	want   string // empty: unknown
}

func check(t *testing.T, r clientip.Resolver, cases []resolveCase) {
	t.Helper()
	for _, tt := range cases {
		t.Run(tt.name, func(t *testing.T) {
			var want netip.Addr
			if tt.want != unknown {
				want = netip.MustParseAddr(tt.want)
			}
			if got := r.Resolve(tt.remote, tt.header); got != want {
				t.Errorf("Resolve(%q, %q) = %v, want %v", tt.remote, tt.header, got, want)
			}
		})
	}
}

func TestResolve_withoutTrustedProxiesNobodyIsKnown(t *testing.T) {
	check(t, clientip.Resolver{}, []resolveCase{
		{"peer", "192.0.2.1:1234", nil, unknown},
		{"peer with a header", "192.0.2.1:1234", xff("198.51.100.7"), unknown},
	})
	check(t, clientip.Resolver{Header: "X-Real-IP"}, []resolveCase{
		{"peer with the named header", "192.0.2.1:1234", lines("X-Real-Ip", "198.51.100.7"), unknown},
	})
}

func TestResolve_directClientsAreThePeer(t *testing.T) {
	check(t, clientip.Resolver{PeerIsClient: true}, []resolveCase{
		{"IPv4", "192.0.2.1:1234", nil, "192.0.2.1"},
		{"IPv6", "[2001:db8::1]:1234", nil, "2001:db8::1"},
		{"mapped", "[::ffff:192.0.2.1]:1234", nil, "192.0.2.1"},
		{"with a zone", "[fe80::1%eth0]:1234", nil, "fe80::1"},
		{"forged header", "192.0.2.1:1234", xff("198.51.100.7"), "192.0.2.1"},
		{"Unix socket", "@", nil, unknown},
		{"empty", "", nil, unknown},
	})
}

func TestResolve_walksTheListFromTheRight(t *testing.T) {
	check(t, behind, []resolveCase{
		{"one hop", "10.0.0.1:1234", xff("192.0.2.1"), "192.0.2.1"},
		{"two hops", "127.0.0.1:1234", xff("192.0.2.1, 10.0.0.1"), "192.0.2.1"},
		{"over several lines", "127.0.0.1:1234", xff("192.0.2.1", "10.0.0.1", "10.0.0.2"), "192.0.2.1"},
		{"lists on several lines", "127.0.0.1:1234", xff("198.51.100.7, 192.0.2.1", "10.0.0.1, 10.0.0.2"), "192.0.2.1"},
		{"without spaces", "127.0.0.1:1234", xff("192.0.2.1,10.0.0.1"), "192.0.2.1"},
		{"with tabs", "127.0.0.1:1234", xff("\t192.0.2.1\t,\t10.0.0.1 "), "192.0.2.1"},
		{"with ports", "10.0.0.1:1234", xff("192.0.2.1:5678, 10.0.0.1:80"), "192.0.2.1"},
		{"IPv6", "[::1]:1234", xff("2001:db8::1, 2001:db8:ffff::9"), "2001:db8::1"},
		{"IPv6 in brackets", "[::1]:1234", xff("[2001:db8::1]"), "2001:db8::1"},
		{"IPv6 in brackets with a port", "[::1]:1234", xff("[2001:db8::1]:5678, [2001:db8:ffff::9]:80"), "2001:db8::1"},
		{"IPv6 with a zone", "[::1]:1234", xff("fe80::1%eth0"), "fe80::1"},
		{"mapped client", "10.0.0.1:1234", xff("::ffff:192.0.2.1"), "192.0.2.1"},
		{"mapped hop", "[::ffff:127.0.0.1]:1234", xff("192.0.2.1, ::ffff:10.0.0.1"), "192.0.2.1"},
		{"peer without a port", "10.0.0.1", xff("192.0.2.1"), "192.0.2.1"},
	})
}

func TestResolve_aForgedHeaderMovesNothing(t *testing.T) {
	check(t, behind, []resolveCase{
		{"left of what the proxy appended", "10.0.0.1:1234", xff("198.51.100.7, 192.0.2.1"), "192.0.2.1"},
		{"on a line of its own before", "10.0.0.1:1234", xff("198.51.100.7", "192.0.2.1"), "192.0.2.1"},
		{"naming a trusted hop", "10.0.0.1:1234", xff("198.51.100.7, 10.0.0.1, 192.0.2.1"), "192.0.2.1"},
		{"rubbish on the left", "10.0.0.1:1234", xff("<script>, , 192.0.2.1"), "192.0.2.1"},
		{"from a client that connects directly", "192.0.2.1:1234", xff("198.51.100.7"), "192.0.2.1"},
		{"other headers", "10.0.0.1:1234", http.Header{
			"X-Real-Ip": {"198.51.100.7"}, "Cf-Connecting-Ip": {"198.51.100.7"}, "Forwarded": {"for=198.51.100.7"},
			"True-Client-Ip": {"198.51.100.7"}, "X-Client-Ip": {"198.51.100.7"}, "X-Forwarded-For": {"192.0.2.1"},
		}, "192.0.2.1"},
		{"huge on the left", "10.0.0.1:1234", xff(strings.Repeat("198.51.100.7, ", 50_000) + "192.0.2.1"), "192.0.2.1"},
	})
}

func TestResolve_aBrokenChainIsUnknown(t *testing.T) {
	check(t, behind, []resolveCase{
		{"no header", "10.0.0.1:1234", nil, unknown},
		{"other header only", "10.0.0.1:1234", lines("X-Real-Ip", "198.51.100.7"), unknown},
		{"empty header", "10.0.0.1:1234", xff(""), unknown},
		{"empty entry", "10.0.0.1:1234", xff("198.51.100.7,"), unknown},
		{"empty line last", "10.0.0.1:1234", xff("198.51.100.7", ""), unknown},
		{"the word unknown", "10.0.0.1:1234", xff("198.51.100.7, unknown"), unknown},
		{"a host name", "10.0.0.1:1234", xff("198.51.100.7, client.example"), unknown},
		{"malformed behind a hop", "10.0.0.1:1234", xff("198.51.100.7, nonsense, 10.0.0.2"), unknown},
		{"short address", "10.0.0.1:1234", xff("198.51.100.7, 192.0.2"), unknown},
		{"octal", "10.0.0.1:1234", xff("198.51.100.7, 192.0.02.1"), unknown},
		{"port without address", "10.0.0.1:1234", xff("198.51.100.7, :80"), unknown},
		{"port too large", "10.0.0.1:1234", xff("198.51.100.7, 192.0.2.1:65536"), unknown},
		{"IPv4 in brackets", "10.0.0.1:1234", xff("198.51.100.7, [192.0.2.1]"), unknown},
		{"open bracket", "10.0.0.1:1234", xff("198.51.100.7, [2001:db8::1"), unknown},
		{"inner space", "10.0.0.1:1234", xff("198.51.100.7, 192.0.2.1 192.0.2.2"), unknown},
		{"no-break space", "10.0.0.1:1234", xff("198.51.100.7, \u00a0192.0.2.1"), unknown},
		{"quoted", "10.0.0.1:1234", xff(`198.51.100.7, "192.0.2.1"`), unknown},
		{"unspecified", "10.0.0.1:1234", xff("198.51.100.7, 0.0.0.0"), unknown},
		{"unspecified IPv6", "10.0.0.1:1234", xff("198.51.100.7, ::"), unknown},
		{"nobody but hops", "10.0.0.1:1234", xff("10.0.0.3, 10.0.0.2"), unknown},
		{"too many hops", "10.0.0.1:1234", xff("192.0.2.1" + strings.Repeat(", 10.0.0.2", 17)), unknown},
		{"very long entry", "10.0.0.1:1234", xff("198.51.100.7, " + strings.Repeat("1", 1<<20)), unknown},
		{"padded beyond measure", "10.0.0.1:1234", xff("198.51.100.7," + strings.Repeat(" ", 1000) + "192.0.2.1"), unknown},
		{"Unix socket", "@", xff("192.0.2.1"), unknown},
	})
	check(t, behind, []resolveCase{
		{"as many hops as are passed", "10.0.0.1:1234", xff("192.0.2.1" + strings.Repeat(", 10.0.0.2", 16)), "192.0.2.1"},
	})
}

// A rewrite of Next adds no header and passes on what the browser sent.
func TestResolve_behindNextOnlyAProxyInFrontIsBelieved(t *testing.T) {
	const next = "127.0.0.1:40000"
	check(t, clientip.Resolver{}, []resolveCase{
		{"nothing is configured", next, nil, unknown},
		{"nothing is configured, and a forged header", next, xff("198.51.100.7"), unknown},
	})
	check(t, clientip.Resolver{Trusted: prefixes("10.0.0.0/8", "127.0.0.1/32")}, []resolveCase{
		{"the proxy appends to the forged header", next, xff("198.51.100.7, 192.0.2.1"), "192.0.2.1"},
		{"Next was reached without the proxy", next, nil, unknown},
	})
}

func TestResolve_aSingleValueHeaderIsOneAddress(t *testing.T) {
	r := clientip.Resolver{Trusted: prefixes("10.0.0.0/8"), Header: "cf-connecting-ip"}
	const name = "CF-Connecting-IP"
	check(t, r, []resolveCase{
		{"one", "10.0.0.1:1234", lines(name, "192.0.2.1"), "192.0.2.1"},
		{"IPv6", "10.0.0.1:1234", lines(name, " 2001:db8::1 "), "2001:db8::1"},
		{"twice", "10.0.0.1:1234", lines(name, "198.51.100.7", "192.0.2.1"), unknown},
		{"twice the same", "10.0.0.1:1234", lines(name, "192.0.2.1", "192.0.2.1"), unknown},
		{"a list", "10.0.0.1:1234", lines(name, "198.51.100.7, 192.0.2.1"), unknown},
		{"malformed", "10.0.0.1:1234", lines(name, "nonsense"), unknown},
		{"missing", "10.0.0.1:1234", xff("198.51.100.7"), unknown},
		{"directly connected", "192.0.2.9:1234", lines(name, "198.51.100.7"), "192.0.2.9"},
	})
}

func TestResolve_aMappedPrefixTrustsTheIPv4Network(t *testing.T) {
	r := clientip.Resolver{Trusted: []netip.Prefix{netip.PrefixFrom(netip.MustParseAddr("::ffff:10.0.0.0"), 104)}}
	check(t, r, []resolveCase{
		{"inside", "10.9.9.9:1234", xff("192.0.2.1"), "192.0.2.1"},
		{"outside", "11.0.0.1:1234", xff("198.51.100.7"), "11.0.0.1"},
	})
}

func TestValidate_namesWhatCannotWork(t *testing.T) {
	for _, tt := range []struct {
		name string
		r    clientip.Resolver
		want []string
	}{
		{"zero", clientip.Resolver{}, nil},
		{"direct", clientip.Resolver{PeerIsClient: true}, nil},
		{"proxies", behind, nil},
		{"single value", clientip.Resolver{Trusted: behind.Trusted, Header: "CF-Connecting-IP"}, nil},
		{"no range, no header", clientip.Resolver{Trusted: []netip.Prefix{{}}, Header: "X Real"}, []string{"Trusted[0]", "Header"}},
		{"RFC 7239", clientip.Resolver{Trusted: behind.Trusted, Header: "forwarded"}, []string{"Forwarded"}},
		{"header without proxies", clientip.Resolver{Header: "X-Real-IP"}, []string{"Trusted"}},
	} {
		err := tt.r.Validate()
		if (err == nil) != (len(tt.want) == 0) {
			t.Errorf("%s: Validate = %v, want %v", tt.name, err, tt.want)
			continue
		}
		for _, part := range tt.want {
			if !strings.Contains(err.Error(), part) {
				t.Errorf("%s: Validate = %v, want it to name %s", tt.name, err, part)
			}
		}
	}
}

func FuzzResolve(f *testing.F) {
	f.Add("10.0.0.1:1234", "198.51.100.7, 192.0.2.1", "10.0.0.2", "203.0.113.5")
	f.Add("[::1]:1", "[2001:db8::1%x]:9,", "::ffff:10.0.0.1", ",")
	f.Add("192.0.2.9:1", "", "", "")
	f.Add("@", "unknown", "::", "0.0.0.0")
	f.Fuzz(func(t *testing.T, remote, first, second, forged string) {
		got := behind.Resolve(remote, xff(first, second))
		if !got.IsValid() {
			if got != (netip.Addr{}) {
				t.Errorf("invalid and not zero: %v", got)
			}
			return
		}
		if got.Zone() != "" || got.Is4In6() || got.IsUnspecified() {
			t.Errorf("%v is not in its one form", got)
		}
		for _, p := range behind.Trusted {
			if p.Contains(got) {
				t.Errorf("%v is a trusted hop", got)
			}
		}
		// Whatever is put on the left changes nothing.
		for _, h := range []http.Header{xff(forged, first, second), xff(forged+","+first, second)} {
			if again := behind.Resolve(remote, h); again != got {
				t.Errorf("Resolve(%q, %q) = %v, and %v without the left part", remote, h, again, got)
			}
		}
	})
}

func BenchmarkResolve(b *testing.B) {
	for name, h := range map[string]http.Header{
		"one":    xff("192.0.2.1"),
		"chain":  xff("198.51.100.7, 192.0.2.1, 10.0.0.3, 10.0.0.2"),
		"forged": xff(strings.Repeat("198.51.100.7, ", 50_000) + "192.0.2.1"),
		"hops":   xff(strings.Repeat("10.0.0.2, ", 50_000) + "10.0.0.2"),
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				behind.Resolve("10.0.0.1:1234", h)
			}
		})
	}
}
