package doctor_test

import (
	"net/http"
	"net/http/httputil"
	"strings"
	"testing"

	"github.com/gatehouse-auth/gatehouse"
	"github.com/gatehouse-auth/gatehouse/internal/doctor"
)

// atLocalhost makes the settings those of development, with the application at
// http://localhost:3000.
func atLocalhost(s *doctor.Settings) {
	s.PublicOrigin, s.BehindProxy, s.ClientAddress = "http://localhost:3000", false, gatehouse.ClientAddress{}
}

// nothingFound fails unless the report has no finding at all, notes included.
func nothingFound(t *testing.T, s *site) {
	t.Helper()
	r := s.judge()
	if len(r.Findings) > 0 || len(r.Skipped) > 0 {
		t.Errorf("a right set-up has findings:\n%s", r.Text())
	}
	for _, what := range []string{"settings", "database", "running server", "public origin", "address of the caller"} {
		if !strings.Contains(strings.Join(r.Looked, ", "), what) {
			t.Errorf("%s was not looked at, only %v", what, r.Looked)
		}
	}
}

func TestJudge_rightSetUpsHaveNoFinding(t *testing.T) {
	next := func(s *site) http.Handler { return s.proxy(s.gate, nil, nil) } // adds no header, passes forged ones through
	t.Run("https through nginx", func(t *testing.T) {
		s := settle(t, nil).serve()
		s.look.Machine = nil // this one
		nothingFound(t, s.atTLS(s.nginx()))
	})
	t.Run("https through nginx that appends", func(t *testing.T) {
		s := settle(t, nil).serve()
		nothingFound(t, s.atTLS(s.proxy(s.gate, func(r *httputil.ProxyRequest) { r.SetXForwarded() }, nil)))
	})
	t.Run("https through nginx, then Next.js", func(t *testing.T) {
		s := settle(t, nil).serve()
		app := listenAt(t, "", next(s))
		nothingFound(t, s.atTLS(s.proxy(app.Listener.Addr().String(), remoteAddress, nil)))
	})
	t.Run("https through two proxies that append, then Next.js", func(t *testing.T) {
		s := settle(t, func(s *doctor.Settings) { s.ClientAddress.TrustedProxies = []string{"127.0.0.0/24", "::1"} }).serve()
		app := listenAt(t, "", next(s))
		inner := listenAt(t, "", s.proxy(app.Listener.Addr().String(), func(r *httputil.ProxyRequest) { r.SetXForwarded() }, nil))
		nothingFound(t, s.atTLS(s.proxy(inner.Listener.Addr().String(), func(r *httputil.ProxyRequest) { r.SetXForwarded() }, nil)))
	})
	t.Run("the proxies' network has the doctor in it", func(t *testing.T) {
		s := settle(t, func(s *doctor.Settings) { s.ClientAddress.TrustedProxies = []string{"127.0.0.0/8"} }).serve()
		nothingFound(t, s.atTLS(s.proxy(s.gate, func(r *httputil.ProxyRequest) { r.SetXForwarded() }, nil)))
	})
	t.Run("a header with one address", func(t *testing.T) {
		s := settle(t, func(s *doctor.Settings) { s.ClientAddress.Header = "X-Real-IP" }).serve()
		nothingFound(t, s.atTLS(s.proxy(s.gate, func(r *httputil.ProxyRequest) {
			r.Out.Header.Set("X-Real-Ip", strings.Split(r.In.RemoteAddr, ":")[0])
		}, nil)))
	})
	t.Run("v5, base path of its own, own sign-in page", func(t *testing.T) {
		s := settle(t, func(s *doctor.Settings) {
			s.Mounts[0].Dialect, s.Mounts[0].BasePath, s.Mounts[0].Pages.SignIn = "v5", "/auth", "/login"
		}).serve()
		nothingFound(t, s.atTLS(s.nginx()))
	})
	t.Run("two mounts", func(t *testing.T) {
		s := settle(t, func(s *doctor.Settings) {
			s.Mounts = append(s.Mounts, gatehouse.Mount{BasePath: "/auth", Dialect: "v5", Secrets: []gatehouse.Secret{secret()}})
		}).serve()
		nothingFound(t, s.atTLS(s.nginx()))
	})
	t.Run("development: Next.js on localhost", func(t *testing.T) {
		s := settle(t, atLocalhost).serve()
		s.hosts["localhost:3000"] = listenAt(t, "", next(s)).Listener.Addr().String()
		nothingFound(t, s)
	})
	t.Run("Gatehouse ends TLS", func(t *testing.T) {
		s := settle(t, func(s *doctor.Settings) {
			s.BehindProxy, s.ClientAddress = false, gatehouse.ClientAddress{PeerIsClient: true}
		}).serve()
		nothingFound(t, s.atTLS(s.handler))
	})
	t.Run("browsers connect directly", func(t *testing.T) {
		s := settle(t, func(s *doctor.Settings) {
			atLocalhost(s)
			s.ClientAddress.PeerIsClient = true
		}).serve()
		s.hosts["localhost:3000"] = s.gate
		nothingFound(t, s)
	})
}
