package doctor

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/gatehouse-auth/gatehouse/internal/seal"
	"github.com/gatehouse-auth/gatehouse/internal/web/authjs/wire"
)

// answers judges what the way changes in requests and answers that do arrive.
func (j *judge) answers(i int, m MountProbes) {
	if !j.Server.Ready {
		return // what is wrong with the answers is known
	}
	j.setCookies(i, m)
	j.dialect(i, m)
	if c := m.Cookies; c.Ours() && !slices.Contains(c.Seen.Cookies, probeCookie) {
		j.add("cookies-lost", "", "let the proxy or CDN pass the Cookie header of "+m.BasePath+"/ on, all of it", "a cookie was sent with %s, and did not arrive", withoutQuery(c.URL))
	}
	if s := m.SignIn; s.Done() && s.Seen == nil && !looksOurs(s.Header) {
		j.add("signin-intercepted", mountSetting(i, "base_path"), "remove the application's own page or middleware at "+m.BasePath+"/signin; to use a page of its own, name it in "+mountSetting(i, "pages.sign_in"), "%s is answered with %d by %s", withoutQuery(s.URL), s.Status, answerer(s))
	}
	j.posts(m)
	j.headers(m)
	if e := m.First; !e.At.IsZero() {
		if date, err := http.ParseTime(e.Header.Get("Date")); err == nil {
			if d := date.Sub(e.At).Abs(); d > skew {
				j.add("clock-skew", "", "let both clocks be set by the network (timedatectl)", "the Date of %s and the clock here are %s apart", j.Settings.PublicOrigin, d.Round(time.Second))
			}
		}
	}
}

// setCookies compares the cookies of GET csrf with those that were sent.
func (j *judge) setCookies(i int, m MountProbes) {
	e := m.First
	if e.Status != http.StatusOK {
		return
	}
	lines := e.Header.Values("Set-Cookie")
	want := wire.CookieNames(seal.Dialect(m.Dialect), j.https())
	var csrf *http.Cookie
	var names []string
	for _, line := range lines {
		c, err := http.ParseSetCookie(line)
		if err != nil {
			continue
		}
		names = append(names, c.Name)
		if c.Name == want.CSRF {
			csrf = c
		}
	}
	at := withoutQuery(e.URL)
	bare := strings.TrimPrefix(want.CSRF, "__Host-")
	switch {
	case csrf != nil:
		j.attributes(at, csrf)
	case slices.ContainsFunc(names, func(n string) bool { return n == bare || n == "__Host-"+bare }):
		j.add("cookie-prefix", "public_origin", "give public_origin the scheme that browsers use, and restart the server; the proxy must not rename cookies", "%s should set %s and sets %s", at, want.CSRF, tame(strings.Join(names, ", ")))
	case slices.ContainsFunc(names, func(n string) bool { return strings.HasSuffix(n, ".csrf-token") }):
		j.add("dialect-differs", mountSetting(i, "dialect"), dialectCure(i, m), "%s should set %s and sets %s", at, want.CSRF, tame(strings.Join(names, ", ")))
	default:
		j.add("cookies-stripped", "", "let the proxy or CDN pass Set-Cookie of "+m.BasePath+"/ on: nginx has proxy_hide_header and proxy_ignore_headers for taking it out; a CDN needs a rule that does not cache", "%s sets cookies, and its answer arrived without them", at)
	}
}

// attributes are those that every cookie of the protocol has.
func (j *judge) attributes(at string, c *http.Cookie) {
	var wrong []string
	if c.Domain != "" {
		wrong = append(wrong, "has Domain="+tame(c.Domain))
	}
	if c.Path != "/" {
		wrong = append(wrong, "has Path="+tame(c.Path))
	}
	if c.Secure != j.https() {
		wrong = append(wrong, map[bool]string{true: "has Secure on http", false: "has lost Secure"}[c.Secure])
	}
	if !c.HttpOnly {
		wrong = append(wrong, "has lost HttpOnly")
	}
	if c.SameSite != http.SameSiteLaxMode {
		wrong = append(wrong, "has not SameSite=Lax")
	}
	if len(wrong) > 0 {
		j.add("cookies-changed", "", "remove proxy_cookie_path, proxy_cookie_domain, proxy_cookie_flags and what is like them", "%s of %s %s", c.Name, at, strings.Join(wrong, ", "))
	}
}

func dialectCure(i int, m MountProbes) string {
	other := "v5"
	if m.Dialect == "v5" {
		other = "v4"
	}
	return mountSetting(i, "dialect") + ": " + other + ", if the application has that version of next-auth (npm ls next-auth)"
}

// dialect looks at the cookies that the application itself sets.
func (j *judge) dialect(i int, m MountProbes) {
	if !j.Origin.Home.Done() || len(j.Origin.Mounts) > 1 {
		return
	}
	for _, line := range j.Origin.Home.Header.Values("Set-Cookie") {
		c, err := http.ParseSetCookie(line)
		if err != nil {
			continue
		}
		name := strings.TrimPrefix(strings.TrimPrefix(c.Name, "__Secure-"), "__Host-")
		if v5 := strings.HasPrefix(name, "authjs."); v5 && m.Dialect == "v4" || strings.HasPrefix(name, "next-auth.") && m.Dialect == "v5" {
			j.add("dialect-differs", mountSetting(i, "dialect"), dialectCure(i, m), "the application's page %s sets %s", withoutQuery(j.Origin.Home.URL), tame(c.Name))
			return
		}
	}
}

// posts judges what is larger than a plain GET.
func (j *judge) posts(m MountProbes) {
	if p := m.Post; p.Done() && p.Seen == nil {
		at := withoutQuery(p.URL)
		if p.Status == http.StatusRequestEntityTooLarge {
			j.add("body-limited", "", "nginx: client_max_body_size 64k; or more", "%s with a body of %d KiB is answered with %d by %s", at, postBytes>>10, p.Status, answerer(p))
		} else {
			j.add("post-blocked", "", "let POST through to "+m.BasePath+"/: nginx limit_except, a firewall's rules, a CDN's allowed methods", "a POST to %s is answered with %d by %s", at, p.Status, answerer(p))
		}
	}
	if l := m.Long; l.Done() && l.Seen == nil && l.Status >= 400 {
		j.add("header-limited", "", "nginx: large_client_header_buffers 4 16k; Node.js: --max-http-header-size=32768", "%s with %d KiB of cookies is answered with %d by %s", withoutQuery(l.URL), cookieBytes>>10, l.Status, answerer(l))
	}
}

// headers judges those of the answer to GET csrf.
func (j *judge) headers(m MountProbes) {
	h, at := m.First.Header, withoutQuery(m.First.URL)
	var gone []string
	for _, name := range []string{"Content-Security-Policy", "X-Content-Type-Options", "X-Frame-Options", "Referrer-Policy", "Strict-Transport-Security"} {
		if h.Get(name) == "" && (name != "Strict-Transport-Security" || j.https()) {
			gone = append(gone, name)
		}
	}
	if len(gone) > 0 {
		j.add("headers-removed", "", "let the proxy pass them on (nginx: no proxy_hide_header for them)", "%s arrived without %s", at, strings.Join(gone, ", "))
	}
	if c := h.Get("Cache-Control"); !strings.Contains(c, "no-store") {
		j.add("cache-control-changed", "", "do not set Cache-Control for "+m.BasePath+"/ in the proxy, the CDN or the headers of next.config", "%s arrived with Cache-Control: %s", at, tame(c))
	}
	if id := h.Get("X-Request-Id"); id != m.First.Seen.RequestID {
		j.add("request-id-replaced", "", "let the proxy pass X-Request-Id of answers on, and give its own ID another name", "the answer of %s has %q, and the log %q", at, tame(id), m.First.Seen.RequestID)
	}
}
