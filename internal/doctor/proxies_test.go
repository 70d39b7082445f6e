package doctor_test

import (
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gatehouse-auth/gatehouse"
	"github.com/gatehouse-auth/gatehouse/internal/doctor"
)

// wants fails unless the first finding is the cause, alone or with what is
// listed behind it, and its cure has the text.
func wants(t *testing.T, r doctor.Report, list, cure string) {
	t.Helper()
	if got := ids(r); got != list {
		t.Errorf("found %q, want %q:\n%s", got, list, r.Text())
		return
	}
	seeded(r)
	if !strings.Contains(r.Findings[0].Cure, cure) {
		t.Errorf("the cure %q does not say %q", r.Findings[0].Cure, cure)
	}
}

// What a proxy between the browser and Gatehouse can do wrong, each beside a
// proxy that is right in all else.
func TestJudge_namesWhatTheProxyDoes(t *testing.T) {
	s := settle(t, nil).serve()
	other := settle(t, func(o *doctor.Settings) { o.Secrets = s.look.Settings.Secrets }).serve() // same secrets, another database
	closed := listenAt(t, "", http.NotFoundHandler())
	closed.Close()
	answer := func(change func(h http.Header)) http.Handler {
		return s.proxy(s.gate, remoteAddress, func(r *http.Response) error {
			change(r.Header)
			return nil
		})
	}
	says := func(status int, header, body string) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if name, value, ok := strings.Cut(header, ": "); ok {
				w.Header().Set(name, value)
			}
			w.WriteHeader(status)
			_, _ = io.WriteString(w, body)
		})
	}
	when := func(match func(*http.Request) bool, then http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if match(r) {
				then.ServeHTTP(w, r)
				return
			}
			s.nginx().ServeHTTP(w, r)
		})
	}
	post := func(r *http.Request) bool { return r.Method == "POST" }
	for _, tt := range []struct {
		name  string
		front http.Handler
		list  string
		cure  string
	}{
		{"passes a forged header on", s.proxy(s.gate, nil, nil), "forwarded-for-forged", "proxy_set_header X-Forwarded-For $remote_addr"},
		{"sets no header", s.proxy(s.gate, func(r *httputil.ProxyRequest) { r.Out.Header.Del("X-Forwarded-For") }, nil), "forwarded-for-missing", "proxy_set_header"},
		{"writes something else", s.proxy(s.gate, func(r *httputil.ProxyRequest) { r.Out.Header.Set("X-Forwarded-For", "unknown") }, nil), "forwarded-for-unreadable", "proxy_set_header"},
		{"takes the base path off", s.proxy(s.gate, func(r *httputil.ProxyRequest) {
			remoteAddress(r)
			r.Out.URL.Path = strings.TrimPrefix(r.Out.URL.Path, "/api/auth")
		}, nil), "base-path-rewritten", "location /api/auth/ { proxy_pass http://127.0.0.1:8787; }"},
		{"leads to a port where nobody is", s.proxy(closed.Listener.Addr().String(), remoteAddress, nil), "proxy-cannot-reach", "127.0.0.1:8787"},
		{"leads to another Gatehouse", s.proxy(other.gate, remoteAddress, nil), "other-gatehouse", "127.0.0.1:8787"},
		{"keeps answers", cache(s.nginx(), ""), "answers-cached", "proxy_cache off"},
		{"keeps answers and says so", cache(s.nginx(), "X-Cache"), "answers-cached", "proxy_cache off"},
		{"takes Set-Cookie out", answer(func(h http.Header) { h.Del("Set-Cookie") }), "cookies-stripped", "proxy_hide_header"},
		{"takes Cookie out", s.proxy(s.gate, func(r *httputil.ProxyRequest) { remoteAddress(r); r.Out.Header.Del("Cookie") }, nil), "cookies-lost", "Cookie"},
		{"rewrites the path of cookies", answer(func(h http.Header) { rewriteCookies(h, "Path=/", "Path=/app") }), "cookies-changed", "proxy_cookie_path"},
		{"gives cookies a domain", answer(func(h http.Header) { rewriteCookies(h, "HttpOnly", "HttpOnly; Domain=app.example") }), "cookies-changed", "proxy_cookie_domain"},
		{"takes the prefix off cookies", answer(func(h http.Header) { rewriteCookies(h, "__Host-", "") }), "cookie-prefix", "public_origin"},
		{"forgets its redirect to https", nil, "http-not-redirected", "return 308 https://$host$request_uri"},
		{"leads to www", http.RedirectHandler("https://www.app.example/api/auth/csrf", http.StatusMovedPermanently), "origin-redirects", "public_origin: https://www.app.example"},
		{"leads to another port", http.RedirectHandler("https://app.example:8443/api/auth/csrf", http.StatusPermanentRedirect), "origin-redirects", "public_origin: https://app.example:8443"},
		{"leads to a login wall", http.RedirectHandler("https://wall.example/login?next=x", http.StatusFound), "origin-redirects", "login wall"},
		{"leads to a language", http.RedirectHandler("/en/api/auth/csrf", http.StatusTemporaryRedirect), "path-redirected", "i18n"},
		{"asks for a password", says(401, "WWW-Authenticate: Basic", ""), "path-guarded", "/api/auth"},
		{"is Next.js without the rewrite", says(404, "X-Powered-By: Next.js", "<html>"), "rewrite-missing", "rewrites: async"},
		{"is Next.js whose rewrite leads nowhere", says(500, "X-Powered-By: Next.js", "Internal Server Error"), "proxy-cannot-reach", "built anew"},
		{"is NextAuth", says(200, "Content-Type: application/json", `{"csrfToken":"00"}`), "nextauth-answers", "[...nextauth]"},
		{"is somebody else", says(200, "Server: Apache", "It works!"), "something-else-answers", "127.0.0.1:8787"},
		{"refuses POST", when(post, says(405, "", "")), "post-blocked", "limit_except"},
		{"refuses bodies", when(post, says(413, "", "")), "body-limited", "client_max_body_size"},
		{"refuses long cookies", when(func(r *http.Request) bool { return len(r.Header.Get("Cookie")) > 4096 }, says(431, "", "")), "header-limited", "large_client_header_buffers"},
		{"has a sign-in page of its own", when(func(r *http.Request) bool { return strings.HasSuffix(r.URL.Path, "/signin") }, says(200, "X-Powered-By: Next.js", "<form>")), "signin-intercepted", "pages.sign_in"},
		{"takes protecting headers out", answer(func(h http.Header) { h.Del("Content-Security-Policy"); h.Del("Strict-Transport-Security") }), "headers-removed", "proxy_hide_header"},
		{"sets Cache-Control", answer(func(h http.Header) { h.Set("Cache-Control", "public, max-age=300") }), "cache-control-changed", "Cache-Control"},
		{"sets its own request ID", answer(func(h http.Header) { h.Set("X-Request-Id", "front-1") }), "request-id-replaced", "X-Request-Id"},
		{"has another clock", answer(func(h http.Header) { h.Set("Date", time.Now().Add(-time.Hour).UTC().Format(http.TimeFormat)) }), "clock-skew", "timedatectl"},
		{"has an application of the other dialect", when(func(r *http.Request) bool { return r.URL.Path == "/" }, says(200, "Set-Cookie: __Host-authjs.csrf-token=a; Path=/; Secure", "")), "dialect-differs", "mounts[0].dialect: v5"},
		{"has an application that believes a forged host", when(func(r *http.Request) bool { return !strings.HasPrefix(r.URL.Path, "/api/auth") }, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "https://"+cmp.Or(r.Header.Get("X-Forwarded-Host"), r.Host)+"/login", http.StatusFound)
		})), "forwarded-host-believed", "X-Forwarded-Host $host"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if tt.front == nil {
				s.atTLS(s.nginx()).at80(s.nginx())
			} else {
				s.atTLS(tt.front)
			}
			wants(t, s.judge(), tt.list, tt.cure)
		})
	}
}

func rewriteCookies(h http.Header, old, new string) {
	for i, line := range h["Set-Cookie"] {
		h["Set-Cookie"][i] = strings.ReplaceAll(line, old, new)
	}
}

// cache keeps every answer to GET by its address, as a CDN that was told to
// ignore Cache-Control; with a header it says so.
func cache(next http.Handler, header string) http.Handler {
	var mu sync.Mutex
	kept := map[string]*httptest.ResponseRecorder{}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		old, hit := kept[r.URL.String()]
		if !hit || r.Method != "GET" {
			old = httptest.NewRecorder()
			next.ServeHTTP(old, r)
			kept[r.URL.String()] = old
		}
		for name, lines := range old.Header() {
			w.Header()[name] = lines
		}
		if hit && header != "" {
			w.Header().Set(header, "Hit from test")
		}
		w.WriteHeader(old.Code)
		_, _ = io.Copy(w, bytes.NewReader(old.Body.Bytes()))
	})
}

// What the settings say of the hops against what the hops are.
func TestJudge_namesWhatTheSettingsSayWrongOfTheHops(t *testing.T) {
	t.Run("the proxy is not named", func(t *testing.T) {
		s := settle(t, func(s *doctor.Settings) { s.ClientAddress.TrustedProxies = []string{"10.0.0.1"} }).serve()
		wants(t, s.atTLS(s.nginx()).judge(), "proxy-not-trusted", "trusted_proxies: [10.0.0.1, 127.0.0.1]")
	})
	t.Run("one of two is not named", func(t *testing.T) {
		s := settle(t, nil).serve()
		appends := func(r *httputil.ProxyRequest) { r.SetXForwarded() }
		inner := listenAt(t, "", s.proxy(s.gate, appends, nil))
		outer := s.proxy(inner.Listener.Addr().String(), appends, nil).(*httputil.ReverseProxy)
		outer.Transport = &http.Transport{DisableKeepAlives: true, DialContext: (&net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 9)}}).DialContext}
		wants(t, s.atTLS(outer).judge(), "hop-not-trusted", "trusted_proxies: [127.0.0.1, 127.0.0.9]")
	})
	t.Run("none is named", func(t *testing.T) {
		s := settle(t, func(s *doctor.Settings) { s.ClientAddress.TrustedProxies = nil }).serve()
		r := s.atTLS(s.nginx()).judge()
		wants(t, r, "client-address-unknown", "trusted_proxies: [127.0.0.1]")
		if r.Failed() {
			t.Error("a note fails the command")
		}
	})
	t.Run("the single header is passed on", func(t *testing.T) {
		s := settle(t, func(s *doctor.Settings) { s.ClientAddress.Header = "X-Real-IP" }).serve()
		wants(t, s.atTLS(s.proxy(s.gate, nil, nil)).judge(), "forwarded-for-forged", "proxy_set_header X-Real-IP $remote_addr")
	})
	t.Run("a proxy before peer_is_client", func(t *testing.T) {
		s := settle(t, func(s *doctor.Settings) {
			atLocalhost(s)
			s.ClientAddress.PeerIsClient = true
		}).serve()
		s.hosts["localhost:3000"] = listenAt(t, "", s.proxy(s.gate, nil, nil)).Listener.Addr().String()
		wants(t, s.judge(), "peer-is-a-proxy", "remove client_address.peer_is_client")
	})
	t.Run("trusted proxies and none there", func(t *testing.T) {
		s := settle(t, func(s *doctor.Settings) {
			atLocalhost(s)
			s.ClientAddress.TrustedProxies = []string{"127.0.0.1"}
		}).serve()
		s.hosts["localhost:3000"] = s.gate
		wants(t, s.judge(), "proxy-bypassed", "client_address.peer_is_client: true")
	})
	t.Run("behind_proxy and none there", func(t *testing.T) {
		s := settle(t, func(s *doctor.Settings) {
			atLocalhost(s)
			s.BehindProxy = true
		}).serve()
		s.hosts["localhost:3000"] = s.gate
		wants(t, s.judge(), "proxy-bypassed", "behind_proxy")
	})
	t.Run("https and nobody ends TLS", func(t *testing.T) {
		s := settle(t, nil).serve()
		s.hosts["app.example:443"] = s.gate
		wants(t, s.judge(), "origin-speaks-http", "reach Gatehouse itself")
	})
	t.Run("http and the site speaks TLS", func(t *testing.T) {
		s := settle(t, atLocalhost).serve()
		s.atTLS(s.nginx())
		s.hosts["localhost:3000"] = s.hosts["app.example:443"]
		wants(t, s.judge(), "origin-speaks-https", "public_origin: https://localhost:3000")
	})
	t.Run("the application took another port", func(t *testing.T) {
		s := settle(t, atLocalhost).serve()
		s.hosts["localhost:3000"] = "127.0.0.1:1"
		for _, port := range []string{"3002", "3003", "4000", "5173", "8000", "8080"} {
			s.hosts["localhost:"+port] = "127.0.0.1:1"
		}
		s.hosts["localhost:3001"] = listenAt(t, "", s.proxy(s.gate, nil, nil)).Listener.Addr().String()
		wants(t, s.judge(), "origin-other-port", "public_origin: http://localhost:3001")
	})
	t.Run("the application does not run", func(t *testing.T) {
		s := settle(t, atLocalhost).serve()
		for _, port := range []string{"3000", "3001", "3002", "3003", "4000", "5173", "8000", "8080"} {
			s.hosts["localhost:"+port] = "127.0.0.1:1"
		}
		wants(t, s.judge(), "application-not-running", "start the application")
	})
	t.Run("the public address is not reached from here", func(t *testing.T) {
		s := settle(t, nil).serve()
		s.hosts["app.example:443"], s.hosts["app.example:80"] = "127.0.0.1:1", "127.0.0.1:1"
		r := s.judge()
		wants(t, r, "origin-unreachable", "--offline")
		if r.Failed() {
			t.Error("what may be right fails the command")
		}
	})
	t.Run("--connect leads to the proxy", func(t *testing.T) {
		s := settle(t, nil).serve()
		s.atTLS(s.nginx())
		s.look.Connect = s.hosts["app.example:443"]
		delete(s.hosts, "app.example:443")
		if r := s.judge(); len(r.Findings) > 0 {
			t.Error(r.Text())
		}
	})
}

// Faults that have nothing to do with each other are all told, errors first.
func TestJudge_tellsIndependentCausesInOrder(t *testing.T) {
	s := settle(t, func(s *doctor.Settings) {
		s.ClientAddress.TrustedProxies = []string{"10.0.0.1"}
		s.OpsListen = "198.51.100.4:8788"
		s.Mounts[0].Secrets = []gatehouse.Secret{"Zk1wR5uXZk1wR5uYZk1wR5uZZk1wR5u1"}
	}).serve()
	s.atTLS(s.nginx()).at80(s.nginx())
	wants(t, s.judge(), "ops-public proxy-not-trusted secret-weak http-not-redirected", "127.0.0.1")
}

func TestJudge_namesWhatIsWrongWithTheCertificate(t *testing.T) {
	s := settle(t, nil).serve()
	s.atTLS(s.nginx()) // makes the authority known
	now := time.Now()
	for _, tt := range []struct {
		name, list, cure string
		change           func(*x509.Certificate)
	}{
		{"expired", "certificate-expired", "renew", func(c *x509.Certificate) { c.NotAfter = now.Add(-time.Minute) }},
		{"not yet", "certificate-not-yet-valid", "clock", func(c *x509.Certificate) { c.NotBefore = now.Add(time.Hour) }},
		{"another name", "certificate-name", "app.example", func(c *x509.Certificate) { c.DNSNames = []string{"www.app.example"} }},
		{"soon", "certificate-expires-soon", "renew", func(c *x509.Certificate) {
			c.NotBefore, c.NotAfter = now.Add(-80*24*time.Hour), now.Add(10*24*time.Hour)
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			wants(t, s.atTLSWith(s.nginx(), s.ca.issue(t, tt.change)).judge(), tt.list, tt.cure)
		})
	}
	t.Run("without the intermediate", func(t *testing.T) {
		between := s.ca.intermediate(t)
		cert := between.issue(t, nil)
		wants(t, s.atTLSWith(s.nginx(), cert).judge(), "certificate-incomplete", "fullchain.pem")
		cert.Certificate = append(cert.Certificate, between.cert.Raw)
		if r := s.atTLSWith(s.nginx(), cert).judge(); len(r.Findings) > 0 {
			t.Errorf("a whole chain: %s", r.Text())
		}
	})
	t.Run("of nobody", func(t *testing.T) {
		cert := newAuthority(t).issue(t, func(c *x509.Certificate) { c.IssuingCertificateURL = nil })
		wants(t, s.atTLSWith(s.nginx(), cert).judge(), "certificate-untrusted", "authority")
	})
	t.Run("handshake refused", func(t *testing.T) {
		srv := httptest.NewUnstartedServer(s.nginx())
		srv.Config.ErrorLog = quiet
		srv.TLS = &tls.Config{GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) { return nil, errors.New("no such name") }}
		srv.StartTLS()
		t.Cleanup(srv.Close)
		s.hosts["app.example:443"] = srv.Listener.Addr().String()
		wants(t, s.judge(), "origin-tls-fails", "openssl s_client")
	})
}

// The server's own state, and what it would make of the public origin.
func TestJudge_namesWhatIsWrongWithTheServer(t *testing.T) {
	t.Run("not running", func(t *testing.T) {
		s := settle(t, nil).serve()
		s.atTLS(s.nginx()) // answers 502 from now on
		s.stop()
		wants(t, s.judge(), "server-not-running", "gatehouse serve --config "+s.look.Settings.ConfigFile)
	})
	t.Run("not running, and its port is taken", func(t *testing.T) {
		s := settle(t, nil).serve()
		s.atTLS(s.nginx())
		s.stop()
		s.hosts["127.0.0.1:8787"] = listenAt(t, "", http.NotFoundHandler()).Listener.Addr().String()
		wants(t, s.judge(), "listen-taken", "ss -ltnp")
	})
	t.Run("another ops_listen", func(t *testing.T) {
		s := settle(t, nil).serve()
		s.hosts["127.0.0.1:8788"] = "127.0.0.1:1"
		wants(t, s.atTLS(s.nginx()).judge(), "ops-unreachable", "ops=")
	})
	t.Run("somebody else at ops_listen", func(t *testing.T) {
		s := settle(t, nil).serve()
		for name, h := range map[string]http.Handler{
			"a page": http.NotFoundHandler(),
			"JSON":   http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"ok":true}`) }),
		} {
			s.hosts["127.0.0.1:8788"] = listenAt(t, "", h).Listener.Addr().String()
			if r := s.atTLS(s.nginx()).judge(); ids(r) != "ops-foreign" {
				t.Errorf("%s: %s", name, r.Text())
			}
		}
		seeded(s.judge())
	})
	t.Run("an older program", func(t *testing.T) {
		s := settle(t, nil).serve()
		s.instance.Version = "v0.0.9"
		wants(t, s.atTLS(s.nginx()).judge(), "version-differs", "restart")
	})
	t.Run("another clock", func(t *testing.T) {
		s := settle(t, nil).serve()
		s.instance.Now = time.Now().Add(-time.Hour)
		wants(t, s.atTLS(s.nginx()).judge(), "clock-skew", "timedatectl")
	})
	t.Run("other settings, and what follows from them", func(t *testing.T) {
		s := settle(t, func(s *doctor.Settings) { s.ClientAddress.TrustedProxies = []string{"10.0.0.1"} }).serve()
		s.look.Settings.ClientAddress.TrustedProxies = []string{"127.0.0.1"} // corrected, and not restarted
		s.look.Settings.Digests["client_address.trusted_proxies"] = "new"
		r := s.atTLS(s.nginx()).judge()
		wants(t, r, "settings-not-loaded", "restart the server")
		if r.Findings[0].Setting != "client_address.trusted_proxies" {
			t.Errorf("names %q", r.Findings[0].Setting)
		}
	})
	t.Run("other secrets", func(t *testing.T) {
		s := settle(t, nil).serve()
		s.look.Settings.Secrets = append([]gatehouse.Secret{secret()}, s.look.Settings.Secrets...)
		s.look.Settings.Digests = map[string]string{"secrets": "x1", "listen": "x2", "database.path": "x3"}
		r := s.atTLS(s.nginx()).judge()
		wants(t, r, "settings-not-loaded", "restart the server")
		if r.Findings[0].Setting != "secrets" {
			t.Errorf("names %q", r.Findings[0].Setting)
		}
	})
	for _, tt := range []struct{ reason, list string }{
		{"the change feed was last read 42s ago", "change-feed-stale"},
		{"the database does not answer: disk I/O error", "database-not-answering"},
		{"the change feed has not been read yet", "server-not-ready"},
		{"the server is ending", "server-not-ready"},
	} {
		t.Run(tt.reason, func(t *testing.T) {
			s := settle(t, nil).serve()
			s.ready = func(context.Context) error { return errors.New(tt.reason) }
			wants(t, s.atTLS(s.proxy(s.gate, nil, nil)).judge(), tt.list, "") // the proxy's own fault waits
		})
	}
}

// What comes from the network is shown tamed: the report goes to a terminal.
func TestReport_takesControlCharactersOut(t *testing.T) {
	s := settle(t, nil).serve()
	s.atTLS(s.nginx())
	cert := s.ca.issue(t, func(c *x509.Certificate) {
		c.DNSNames = []string{"\x1b[2Jwww.app.example\r" + strings.Repeat("x", 1000)}
	})
	r := s.atTLSWith(s.nginx(), cert).judge()
	wants(t, r, "certificate-name", "")
	if text := r.Text(); !strings.Contains(text, "[2Jwww.app.example") || len(text) > 2000 {
		t.Errorf("got %q", text)
	}
}
