package gatehouse

import (
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/net/idna"
)

// cureByTLS is for programs with a setting of that name; Config has none.
const cureByTLS = "use https, with tls.cert_file or behind a proxy that ends TLS"

// originProblem wants the origin exactly as browsers serialise it (WHATWG URL
// §4.5, RFC 6454 §6.2), because it is compared byte by byte: with Origin
// headers, with callback addresses. It returns "" when nothing is wrong.
func originProblem(s string) (problem, cure string) {
	const give = "give scheme and host alone, as https://app.example"
	u, err := url.Parse(s)
	if err != nil || strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r == 0x7f || r == '\\' }) {
		return "is not an address", give
	}
	switch scheme := strings.ToLower(u.Scheme); {
	case scheme != "https" && scheme != "http":
		return "has no scheme https or http", give
	case u.User != nil:
		return "has a user part", give
	case u.Host == "" || u.Hostname() == "":
		return "has no host", give
	case strings.ContainsAny(s, "?#"):
		return "has a query or a fragment", give
	case u.Path == "/":
		return "ends with a slash", write(u, strings.TrimSuffix(s, "/"))
	case u.Path != "":
		return "has a path", give + "; paths belong to mounts"
	case strings.ToLower(s) != s:
		return "has capitals", write(u, strings.ToLower(s))
	case strings.Contains(u.Host, "%") || strings.Contains(s, "%"):
		return "has escaped characters or a zone", give
	}
	if problem, cure = portProblem(u); problem != "" {
		return problem, cure
	}
	if problem, cure = hostProblem(u.Hostname(), strings.HasPrefix(u.Host, "[")); problem != "" {
		return problem, cure
	}
	if u.Scheme == "http" && !loopback(u.Hostname()) {
		// Passwords and cookies would cross the network in the clear.
		return "is plain http on a host that is not this machine", cureByTLS
	}
	return "", ""
}

// write is the cure that gives the right text, which must not be wrong in yet
// another way.
func write(u *url.URL, right string) string {
	if strings.EqualFold(u.Scheme, "http") && !loopback(u.Hostname()) {
		return "write https" + right[len("http"):] + " (plain http is for this machine alone)"
	}
	return "write " + right
}

func portProblem(u *url.URL) (problem, cure string) {
	port := u.Port()
	if strings.HasSuffix(u.Host, ":") {
		return "ends with a colon", write(u, strings.TrimSuffix(u.String(), ":"))
	}
	if port == "" {
		return "", ""
	}
	if u.Scheme == "https" && port == "443" || u.Scheme == "http" && port == "80" {
		return "names the port that browsers leave out", write(u, strings.TrimSuffix(u.String(), ":"+port))
	}
	if n, err := strconv.Atoi(port); err != nil || n < 1 || n > 65535 || strconv.Itoa(n) != port {
		return "has a port that is not 1 to 65535", "correct the port or leave it out"
	}
	return "", ""
}

func hostProblem(host string, bracketed bool) (problem, cure string) {
	if bracketed {
		a, err := netip.ParseAddr(host)
		if err != nil || !a.Is6() {
			return "has a bad IPv6 address", "write it as [::1]"
		}
		if a.String() != host {
			return "has an IPv6 address that browsers write otherwise", "write [" + a.String() + "]"
		}
		return "", ""
	}
	labels := strings.Split(host, ".")
	if last := labels[len(labels)-1]; last == "" {
		return "has a host that ends with a dot", "leave the dot out"
	} else if strings.IndexFunc(last, func(r rune) bool { return r < '0' || r > '9' }) < 0 || strings.HasPrefix(last, "0x") {
		// Browsers read such hosts as IPv4, in many spellings; only one is an origin's.
		if a, err := netip.ParseAddr(host); err != nil || !a.Is4() {
			return "has a bad IPv4 address", "write it as 127.0.0.1"
		}
		return "", ""
	}
	ascii, err := idna.Lookup.ToASCII(host)
	if err != nil || len(ascii) > 253 || slices.Contains(labels, "") {
		return "has a host that cannot be", "give the host name as browsers show it"
	}
	if ascii != host {
		return "has a host in letters that browsers send otherwise", "write " + ascii
	}
	return "", ""
}

// loopback says whether the host can only be this machine.
func loopback(host string) bool {
	if host == "localhost" {
		return true
	}
	a, err := netip.ParseAddr(host)
	return err == nil && a.IsLoopback() && !a.Is4In6()
}
