package config

import (
	"net/http"
	"net/netip"
	"net/url"
	"strings"

	"golang.org/x/net/http/httpguts"
)

// tracesPath is where a collector takes spans (OTLP specification, §OTLP/HTTP
// Request).
const tracesPath = "/v1/traces"

// URL returns the whole address of the collector; empty when nothing is traced.
func (t Tracing) URL() string {
	u, err := url.Parse(t.Endpoint)
	if err != nil || t.Endpoint == "" {
		return t.Endpoint
	}
	if u.Path == "" || u.Path == "/" {
		u.Path = tracesPath
	}
	return u.String()
}

// Header returns the header that is sent to the collector.
func (t Tracing) Header() http.Header {
	h := http.Header{}
	for _, line := range t.Headers {
		name, value, _ := strings.Cut(line.Reveal(), "=")
		h.Add(strings.TrimSpace(name), strings.TrimSpace(value))
	}
	return h
}

// checkTracing never shows a header: it may be a key.
func (l *loader) checkTracing() {
	t := l.settings.Tracing
	const give = "give the address for OTLP over HTTP, as http://127.0.0.1:4318/v1/traces"
	if t.Endpoint == "" {
		if len(t.Headers) > 0 {
			l.note("tracing.headers", "name the collector in tracing.endpoint, or remove it", "has nowhere to go")
		}
	} else if u, err := url.Parse(t.Endpoint); err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" {
		l.note("tracing.endpoint", give, "is not an http or https address")
	} else if u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		l.note("tracing.endpoint", "put keys into tracing.headers", "has a user, a query or a fragment")
	} else if a, err := netip.ParseAddr(u.Hostname()); len(t.Headers) > 0 && u.Scheme == "http" && u.Hostname() != "localhost" && (err != nil || !a.IsLoopback()) {
		l.warn("tracing.endpoint", "use https", "sends tracing.headers in the clear")
	}
	for i, line := range t.Headers {
		name, value, found := strings.Cut(line.Reveal(), "=")
		name, value = strings.TrimSpace(name), strings.TrimSpace(value)
		if !found || !httpguts.ValidHeaderFieldName(name) || !httpguts.ValidHeaderFieldValue(value) {
			l.note(item("tracing.headers", i), "write it as Name=value", "is not a header")
		}
	}
	if t.SampleOneIn < 1 || t.SampleOneIn > 1<<20 {
		l.note("tracing.sample_one_in", "give 1 to 1048576", "%d is out of bounds", t.SampleOneIn)
	}
	if t.TrustParent && len(l.settings.ClientAddress.TrustedProxies) == 0 {
		l.note("tracing.trust_parent", "name the proxies in client_address.trusted_proxies, or remove it", "trusts nobody: no proxy is named")
	}
}
