package attack_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/gatehouse-auth/gatehouse"
)

// What sign-out clears in the browser: Gatehouse's session cookies always, what
// the settings name when somebody was signed in, and nothing for a stranger, who
// could otherwise wipe the application's storage with a request.
//
// proves: ASVS 14.3.1
func TestSignOut_clearsWhatStaysInTheBrowser(t *testing.T) {
	off := newSite(t, nil)
	on := newSite(t, func(c *gatehouse.Config) { c.Session.ClearSiteData = []string{"cache", "storage"} })
	for name, s := range map[string]*site{"off": off, "on": on} {
		want := ""
		if s == on {
			want = `"cache", "storage"`
		}
		s.newUser(t, "ann@app.example")
		for _, d := range dialects {
			for how, leave := range map[string]func(b *browser) answer{
				"the protocol":    func(b *browser) answer { return b.form("/signout", map[string]string{"json": "true"}) },
				"the hosted page": func(b *browser) answer { return b.form("/signout", nil) },
				"JSON":            func(b *browser) answer { return b.json("/logout", map[string]any{}) },
			} {
				what := name + ", " + d.String() + ", by " + how
				b := s.browser(d).signIn(t, "ann@app.example", password)
				session := b.jar[d.session()]
				if s.who(d, b.jar).Email == "" || session == "" {
					t.Fatalf("%s: not signed in", what)
				}
				a := leave(b)
				if got := a.header.Get("Clear-Site-Data"); got != want {
					t.Errorf("%s: Clear-Site-Data %q, want %q", what, got, want)
				}
				if value, set := a.cookies()[d.session()]; !set || value != "" {
					t.Errorf("%s: the session's cookie is not deleted: %q", what, a.header["Set-Cookie"])
				}
				for _, cookies := range []map[string]string{nil, {d.session(): session}, {d.session(): "forged"}} {
					stranger := s.browser(d)
					for k, v := range cookies {
						stranger.jar[k] = v
					}
					if got := leave(stranger).header.Get("Clear-Site-Data"); got != "" {
						t.Errorf("%s: somebody with the cookies %v: Clear-Site-Data %q", what, cookies, got)
					}
				}
			}
			b := s.browser(d).signIn(t, "ann@app.example", password)
			a := s.send(request{http.MethodPost, d.base + "/signout", formType, "csrfToken=" + b.token(), http.Header{"Sec-Fetch-Site": {"cross-site"}}, b.jar})
			if a.header.Get("Clear-Site-Data") != "" || b.who().Email == "" {
				t.Errorf("%s, %s: a foreign page clears: %v", name, d, a.header)
			}
			s.deleteOwn(t, b, want)
			s.newUser(t, "ann@app.example")
		}
	}
}

// deleteOwn deletes the account, which is a sign-out too.
func (s *site) deleteOwn(t *testing.T, b *browser, want string) {
	t.Helper()
	a := b.json("/delete-account", map[string]any{"password": "not the password at all"})
	if a.status == http.StatusOK || a.header.Get("Clear-Site-Data") != "" {
		t.Errorf("%s: wrong password: %d %v", b.dialect, a.status, a.header)
	}
	if a = b.json("/delete-account", map[string]any{"password": password}); a.status != http.StatusOK || a.header.Get("Clear-Site-Data") != want {
		t.Errorf("%s: delete account: %d, Clear-Site-Data %q, want %q", b.dialect, a.status, a.header.Get("Clear-Site-Data"), want)
	}
}

// A page that shows whose account it is comes back from no cache: the back
// button asks the server again, which knows nobody any more.
//
// proves: ASVS 14.3.1
func TestSignOut_leavesNoPrivatePageBehind(t *testing.T) {
	s := newSite(t, nil)
	s.newUser(t, "ann@app.example")
	for _, d := range dialects {
		b := s.browser(d).signIn(t, "ann@app.example", password)
		for _, path := range []string{"/account", "/account/password", "/account/delete", "/session"} {
			a := b.get(path)
			if a.status != http.StatusOK || !strings.Contains(a.body, "ann@app.example") {
				t.Fatalf("%s%s: %d", d.base, path, a.status)
			}
			if got := a.header.Get("Cache-Control"); !strings.Contains(got, "no-store") {
				t.Errorf("%s%s: Cache-Control %q", d.base, path, got)
			}
		}
		b.form("/signout", nil)
		for _, path := range []string{"/account", "/account/password", "/account/delete", "/session"} {
			if a := b.get(path); strings.Contains(a.body, "ann@app.example") {
				t.Errorf("%s%s after sign-out: %d shows the account", d.base, path, a.status)
			}
		}
	}
}
