package doctor_test

import (
	"net/http"
	"net/netip"
	"testing"
	"time"

	"github.com/gatehouse-auth/gatehouse"
	"github.com/gatehouse-auth/gatehouse/internal/doctor"
	"github.com/gatehouse-auth/gatehouse/internal/web/ops"
)

// Whatever answers at the public origin, and whatever hops write into headers:
// the judgement ends, and the report is fit for a terminal.
func FuzzJudge(f *testing.F) {
	f.Add(200, "", "nginx", "__Host-next-auth.csrf-token=x; Path=/", "{}", "203.0.113.77, 127.0.0.1", "/csrf", true)
	f.Add(302, "https://www.app.example/x?y", "", "", "", "unknown", "/api/auth/csrf", false)
	f.Add(404, "//\x1b[2J", "\x1b[31m", "a=b; Domain=\u202e", "This page could not be found", "[::1]:80,,", "/api/auth/csrf", true)
	f.Fuzz(func(t *testing.T, status int, location, server, cookie, body, forwarded, path string, arrived bool) {
		header := http.Header{"Location": {location}, "Server": {server}, "Set-Cookie": {cookie}, "Age": {server}, "Cache-Control": {location}, "X-Request-Id": {cookie}, "Date": {body}}
		e := &doctor.Exchange{URL: "https://app.example/api/auth/csrf?gatehouse-probe=secret", Status: status, Header: header, Body: []byte(body), Source: netip.MustParseAddrPort("192.0.2.1:1"), At: time.Now()}
		if arrived {
			e.Seen = &ops.Seen{Path: path, Peer: forwarded, Client: forwarded, Forwarding: map[string][]string{"X-Forwarded-For": {forwarded}}, Cookies: []string{cookie}}
		}
		facts := doctor.Facts{Now: time.Now(), Settings: doctor.Settings{Config: gatehouse.Config{PublicOrigin: "https://app.example", ClientAddress: gatehouse.ClientAddress{TrustedProxies: []string{"127.0.0.1"}}}.WithDefaults()}}
		facts.Server = doctor.Server{Asked: true, Ready: true}
		facts.Origin = doctor.Origin{Asked: true, Home: e, Stray: e, Mounts: []doctor.MountProbes{{
			BasePath: "/api/auth", Dialect: "v4", First: e, Again: e, Forged: e, Cookies: e, Long: e, SignIn: e, Post: e,
		}}}
		r := doctor.Judge(facts)
		keepsSecrets(t, r)
		if len(r.Text()) > 40_000 {
			t.Errorf("a report of %d bytes", len(r.Text()))
		}
	})
}
