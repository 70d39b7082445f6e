//go:build linux

package crash_test

import (
	"errors"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"strings"
)

// dialect is a mount of the site.
type dialect struct{ base, cookies string }

var (
	v4 = &dialect{"/api/auth", "next-auth."}
	v5 = &dialect{"/v5/auth", "authjs."}
)

// token is a CSRF token with its cookie. The program made it by a secret alone,
// so it serves every browser, over every restart.
type token struct {
	value string
	jar   jar
}

// jar are the cookies of a browser by name.
type jar map[string]string

// reply is an answer that came through whole.
type reply struct {
	status int
	header http.Header
	body   string
	set    jar      // the cookies it set
	gone   []string // those it deleted
}

// errNotSent is the error of a request that never left.
var errNotSent = errors.New("nobody listens")

// send makes one request. An error other than errNotSent means that nobody
// knows what became of it.
func (s *site) send(method, path, contentType, body string, cookies jar) (reply, error) {
	r, err := http.NewRequest(method, s.origin+path, strings.NewReader(body))
	if err != nil {
		return reply{}, err
	}
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	if method == http.MethodPost {
		r.Header.Set("Origin", s.origin)
		r.Header.Set("Content-Type", contentType)
		r.Header.Set("X-Auth-Return-Redirect", "1") // v5: an address in JSON; v4 does not look at it
	}
	for name, value := range cookies {
		r.Header.Add("Cookie", name+"="+value)
	}
	a, err := plain.Do(r)
	var dial *net.OpError
	if errors.As(err, &dial) && dial.Op == "dial" {
		return reply{}, errNotSent
	}
	if err != nil {
		return reply{}, err
	}
	defer a.Body.Close()
	text, err := io.ReadAll(a.Body)
	if err != nil {
		return reply{}, err
	}
	got := reply{status: a.StatusCode, header: a.Header, body: string(text), set: jar{}}
	for _, c := range a.Cookies() {
		if c.MaxAge < 0 || c.Value == "" {
			got.gone = append(got.gone, c.Name)
		} else {
			got.set[c.Name] = c.Value
		}
	}
	return got, nil
}

// json posts a JSON body.
func (s *site) json(path string, body any, cookies jar) (reply, error) {
	return s.send(http.MethodPost, path, "application/json", inJSON(body), cookies)
}

// form posts a form of the protocol, with its CSRF token.
func (s *site) form(d *dialect, action string, fields map[string]string, cookies jar) (reply, error) {
	values := url.Values{"csrfToken": {s.csrf[d.base].value}, "json": {"true"}, "callbackUrl": {s.origin}}
	for name, value := range fields {
		values.Set(name, value)
	}
	all := maps.Clone(s.csrf[d.base].jar)
	maps.Copy(all, cookies)
	return s.send(http.MethodPost, d.base+action, "application/x-www-form-urlencoded", values.Encode(), all)
}

// prepare fetches the CSRF tokens, once.
func (s *site) prepare() {
	s.t.Helper()
	for _, d := range []*dialect{v4, v5} {
		if _, have := s.csrf[d.base]; have {
			continue
		}
		r, err := s.send(http.MethodGet, d.base+"/csrf", "", "", nil)
		if err != nil || r.status != http.StatusOK {
			s.t.Fatalf("%s/csrf: %d, %v", d.base, r.status, err)
		}
		_, rest, _ := strings.Cut(r.body, `"csrfToken":"`)
		value, _, _ := strings.Cut(rest, `"`)
		s.csrf[d.base] = token{value, r.set}
	}
}

// session are the cookies of the session that the answer began, whatever their
// number; empty when it began none.
func (r reply) session(d *dialect) jar {
	found := jar{}
	for name, value := range r.set {
		if strings.HasPrefix(name, d.cookies+"session-token") {
			found[name] = value
		}
	}
	return found
}

// dropsSession says whether the answer deletes the session's cookie.
func (r reply) dropsSession(d *dialect) bool {
	for _, name := range r.gone {
		if strings.HasPrefix(name, d.cookies+"session-token") {
			return true
		}
	}
	return false
}

// signedInAs is whom GET /session names; empty for nobody.
func (r reply) signedInAs() string {
	_, rest, _ := strings.Cut(r.body, `"email":"`)
	email, _, _ := strings.Cut(rest, `"`)
	return email
}
