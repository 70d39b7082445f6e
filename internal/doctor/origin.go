package doctor

import (
	"bytes"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
)

// origin judges whether requests to the public origin reach this server, and
// then what the way changes.
func (j *judge) origin() {
	o := j.Origin
	if !o.Asked {
		return
	}
	if len(o.Certificates) > 0 {
		j.certificateDates(o.Certificates[0], "the certificate at "+j.Settings.PublicOrigin, "", "renew it where TLS ends (the proxy in front, or tls.cert_file), and have the new one loaded")
	}
	for i, m := range o.Mounts {
		if i == 0 && !m.First.Done() {
			j.unreached(m.First)
			return // the way is the same for every mount
		}
		if !m.First.Done() {
			continue
		}
		if j.arrives(i, m) {
			j.answers(i, m)
		}
	}
	if o.Plain.Done() && (o.Plain.Seen != nil || o.Plain.Status < 300) {
		j.add("http-not-redirected", "", "nginx: server { listen 80; server_name "+j.host()+"; return 308 https://$host$request_uri; }", "%s is answered with %d", withoutQuery(o.Plain.URL), o.Plain.Status)
	}
}

// unreached says why there was no answer at all.
func (j *judge) unreached(e *Exchange) {
	at, host := j.Settings.PublicOrigin, j.host()
	why := ""
	if e.Err != nil {
		why = tame(e.Err.Error())
	}
	const where = "where TLS ends (the proxy in front, or tls.cert_file)"
	switch e.Trouble {
	case NameUnknown:
		j.add("origin-name-unknown", "public_origin", "correct public_origin, or the entry in the DNS; if the name is right and known only elsewhere: gatehouse doctor"+j.flag()+" --connect HOST:PORT of the proxy", "%s", why)
	case Refused, TimedOut, OtherTrouble:
		switch {
		case j.Origin.OtherPort != "":
			j.add("origin-other-port", "public_origin", "public_origin: "+j.Origin.OtherPort+", or start the application at the port of "+at, "%s does not answer, and this server is reached through %s", at, j.Origin.OtherPort)
		case localHost(host):
			j.add("application-not-running", "public_origin", "start the application, or correct the port in public_origin", "%s: %s", at, why)
		default:
			j.add("origin-unreachable", "public_origin",
				"look from outside (curl -i "+at+j.basePath()+"/csrf); if that works, connect to the proxy directly: gatehouse doctor"+j.flag()+" --connect HOST:PORT; or leave it out: --offline", "%s: %s", at, why)
		}
	case PlainHTTP:
		cure := "let the proxy end TLS, or set tls.cert_file and tls.key_file"
		if j.Origin.PlainOnTLS.Ours() {
			cure = "requests to this port reach Gatehouse itself: put the proxy that ends TLS in front of it, or set tls.cert_file and tls.key_file in place of behind_proxy"
		}
		j.add("origin-speaks-http", "behind_proxy", cure, "%s answers a TLS handshake with plain http", at)
	case SpeaksTLS:
		j.add("origin-speaks-https", "public_origin", "public_origin: https"+strings.TrimPrefix(at, "http")+" (and behind_proxy: true if a proxy ends TLS)", "%s answers plain http with TLS", at)
	case CertExpired, CertNotYet:
		// the dates of the certificate are judged by themselves
	case CertName:
		j.add("certificate-name", "public_origin", "get a certificate for "+host+" "+where+", or correct public_origin", "%s presents a certificate for %s", at, j.presented())
	case CertIncomplete:
		j.add("certificate-incomplete", "", "put the intermediate certificates behind the certificate (fullchain.pem) "+where, "%s presents one certificate, signed by %s, and not that one's", at, j.issuer())
	case CertUntrusted:
		j.add("certificate-untrusted", "", "get a certificate from an authority that browsers trust; if the authority is your own, make it known to this machine (SSL_CERT_FILE) and to the browsers", "%s: %s", at, why)
	default:
		j.add("origin-tls-fails", "public_origin", "look at the log of the proxy, and try: openssl s_client -connect "+hostPort(at)+" -servername "+host, "%s: %s", at, why)
	}
}

func (j *judge) presented() string {
	if len(j.Origin.Certificates) == 0 {
		return "another name"
	}
	return namesOf(j.Origin.Certificates[0])
}

func (j *judge) issuer() string {
	if len(j.Origin.Certificates) == 0 {
		return "another one"
	}
	return tame(j.Origin.Certificates[0].Issuer.String())
}

func (j *judge) basePath() string {
	if len(j.Settings.Mounts) == 0 {
		return ""
	}
	return j.Settings.Mounts[0].BasePath
}

// hostPort is the address that an origin is connected to.
func hostPort(origin string) string {
	u, err := url.Parse(origin)
	if err != nil {
		return ""
	}
	if u.Port() != "" {
		return u.Host
	}
	if u.Scheme == "http" {
		return u.Host + ":80"
	}
	return u.Host + ":443"
}

func localHost(host string) bool {
	a, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && a.IsLoopback()
}

// arrives judges the plain GET of csrf. It returns true when the probe reached
// this server under its own name, so that the answer is ours.
func (j *judge) arrives(i int, m MountProbes) bool {
	e := m.First
	asked := m.BasePath + "/csrf"
	setting := mountSetting(i, "base_path")
	switch {
	case j.cached(m):
		return e.Seen != nil && e.Seen.Path == asked
	case e.Seen != nil && e.Seen.Path != asked:
		j.add("base-path-rewritten", setting,
			"nginx: location "+m.BasePath+"/ { proxy_pass http://"+j.Settings.Listen+"; } with no path behind the address\nNext.js: { source: \""+m.BasePath+"/:path*\", destination: \"http://"+j.Settings.Listen+m.BasePath+"/:path*\" }",
			"%s was asked for and arrived as %s", asked, tame(e.Seen.Path))
		return false
	case e.Seen != nil:
		return true
	case e.Status >= 300 && e.Status < 400:
		j.redirected(i, m)
		return false
	}
	j.answeredByOthers(i, m)
	return false
}

// redirected tells a redirect to another origin from one on this origin.
func (j *judge) redirected(i int, m MountProbes) {
	to, err := url.Parse(m.First.URL)
	if err == nil {
		to, err = to.Parse(m.First.Header.Get("Location"))
	}
	if err != nil || to.Host == "" {
		j.add("something-else-answers", mountSetting(i, "base_path"), j.upstreamCure(m), "%s is answered with %d and no address", withoutQuery(m.First.URL), m.First.Status)
		return
	}
	origin := to.Scheme + "://" + to.Host
	seen := withoutQuery(m.First.URL) + " leads to " + tame(origin+to.EscapedPath())
	if origin == j.Settings.PublicOrigin {
		j.add("path-redirected", mountSetting(i, "base_path"), "leave "+m.BasePath+" out of what redirects: in Next.js the matcher of middleware or proxy.ts, trailingSlash and i18n; in the proxy its own rules", "%s", seen)
		return
	}
	cure := "public_origin: " + tame(origin) + " (and NEXTAUTH_URL or AUTH_URL of the application), if that is the address meant for browsers; else remove the redirect"
	if to.Path != m.BasePath+"/csrf" {
		cure = "if that is a login wall in front, leave " + m.BasePath + " out of it\nelse " + cure
	}
	j.add("origin-redirects", "public_origin", cure, "%s", seen)
}

// answeredByOthers says who it was that answered a probe that did not arrive.
func (j *judge) answeredByOthers(i int, m MountProbes) {
	e := m.First
	at := withoutQuery(e.URL)
	setting := mountSetting(i, "base_path")
	token := e.Status == http.StatusOK && bytes.Contains(e.Body, []byte(`"csrfToken"`))
	ours := looksOurs(e.Header)
	switch {
	case ours && !j.Server.Ours():
		// It cannot be told whether it is this one.
	case ours && len(j.servers()) > 1:
		// One of the others on the same database, which a balancer keeps us to.
	case ours:
		j.add("other-gatehouse", "listen", "let the proxy or the rewrite lead to "+j.Settings.Listen+" alone, and end the other server (ps -C gatehouse)\nif there is no other one, the proxy drops headers and queries that it does not know", "%s is answered by a Gatehouse that %s knows nothing of", at, j.Settings.OpsListen)
	case token:
		j.add("nextauth-answers", setting, "add the rewrite to next.config: { source: \""+m.BasePath+"/:path*\", destination: \"http://"+j.Settings.Listen+m.BasePath+"/:path*\" }, remove "+m.BasePath+"/[...nextauth] from the application, and build it anew", "%s is answered with a CSRF token, and not by Gatehouse", at)
	case e.Status == http.StatusBadGateway, e.Status == http.StatusServiceUnavailable, e.Status == http.StatusGatewayTimeout,
		e.Status == http.StatusInternalServerError && (isNext(e) || bytes.Equal(bytes.TrimSpace(e.Body), []byte("Internal Server Error"))):
		j.add("proxy-cannot-reach", "listen", j.upstreamCure(m), "%s is answered with %d by %s", at, e.Status, answerer(e))
	case e.Status == http.StatusUnauthorized, e.Status == http.StatusForbidden, e.Status == http.StatusTooManyRequests:
		j.add("path-guarded", setting, "leave "+m.BasePath+" out of the password, firewall or limit in front", "%s is answered with %d by %s", at, e.Status, answerer(e))
	case e.Status == http.StatusNotFound && isNext(e):
		j.add("rewrite-missing", setting, "next.config: rewrites: async () => [{ source: \""+m.BasePath+"/:path*\", destination: \"http://"+j.Settings.Listen+m.BasePath+"/:path*\" }]\nthen build the application anew: next start does not read it again", "%s is answered with Next.js's 404", at)
	default:
		j.add("something-else-answers", setting, j.upstreamCure(m), "%s is answered with %d by %s", at, e.Status, answerer(e))
	}
}

// upstreamCure is where the proxy must lead.
func (j *judge) upstreamCure(m MountProbes) string {
	return "lead " + m.BasePath + "/ to Gatehouse at " + j.Settings.Listen + ": proxy_pass in nginx, the destination of the rewrite in next.config (the application must be built anew), or correct listen"
}

// looksOurs knows Gatehouse's own header lines.
func looksOurs(h http.Header) bool {
	return len(h.Get("X-Request-Id")) == 16 && strings.HasPrefix(h.Get("Content-Security-Policy"), "default-src 'none'") && h.Get("X-Frame-Options") == "DENY"
}

func isNext(e *Exchange) bool {
	return strings.Contains(e.Header.Get("X-Powered-By"), "Next.js") || e.Header.Get("X-Nextjs-Cache") != "" ||
		bytes.Contains(e.Body, []byte("/_next/")) || bytes.Contains(e.Body, []byte("This page could not be found"))
}

// answerer names who answered as far as that shows.
func answerer(e *Exchange) string {
	for _, name := range []string{"Server", "X-Powered-By", "Via"} {
		if v := tame(e.Header.Get(name)); v != "" {
			return v
		}
	}
	return "a program that does not give its name"
}

// cached says whether an answer came out of somebody's store.
func (j *judge) cached(m MountProbes) bool {
	sign := ""
	for _, e := range []*Exchange{m.First, m.Again} {
		if !e.Done() {
			continue
		}
		for _, name := range []string{"X-Cache", "Cf-Cache-Status", "X-Cache-Status", "X-Proxy-Cache", "X-Vercel-Cache"} {
			if v := e.Header.Get(name); strings.Contains(strings.ToUpper(v), "HIT") {
				sign = name + ": " + tame(v)
			}
		}
		if v := e.Header.Get("Age"); v != "" && v != "0" {
			sign = "Age: " + tame(v)
		}
	}
	if m.First.Done() && m.Again.Done() && m.Again.Status == http.StatusOK {
		if id := m.First.Header.Get("X-Request-Id"); id != "" && id == m.Again.Header.Get("X-Request-Id") && looksOurs(m.Again.Header) && m.Again.Seen == nil {
			sign = "two requests have the same X-Request-Id"
		}
	}
	if sign == "" {
		return false
	}
	j.add("answers-cached", "", "leave "+m.BasePath+"/ out of every cache: nginx proxy_cache off; CDN: a rule that passes it through with its cookies; and do not override Cache-Control", "%s: %s", withoutQuery(m.First.URL), sign)
	return true
}

func withoutQuery(address string) string {
	before, _, _ := strings.Cut(address, "?")
	return before
}

func mountSetting(i int, name string) string { return fmt.Sprintf("mounts[%d].%s", i, name) }
