package attack_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-auth/gatehouse"
	"github.com/gatehouse-auth/gatehouse/internal/web"
)

// perAnswer is what differs from answer to answer: tokens, nonces, request IDs.
var perAnswer = regexp.MustCompile(`[0-9a-f]{64}(%7C[0-9a-f]{64})?|[A-Z2-7]{26}|"reference":"\w+"|<code>\w+</code>`)

// settled is all of an answer that a cache would keep or a browser would act on.
func settled(a answer) string {
	text := fmt.Sprintln(a.status)
	for _, name := range []string{"Location", "Set-Cookie", "Content-Type", "Content-Language", "Cache-Control", "Vary", "Content-Security-Policy", "Refresh", "Link", "Content-Location",
		"Access-Control-Allow-Origin", "Etag", "Last-Modified", "Content-Encoding", "Content-Range", "Strict-Transport-Security"} {
		text += name + ": " + strings.Join(a.header[http.CanonicalHeaderKey(name)], " | ") + "\n"
	}
	return perAnswer.ReplaceAllString(text+a.body, "#")
}

// unkeyed are headers that caches do not make part of the key, and that some
// server or proxy somewhere believes.
var unkeyed = map[string][]string{
	"X-Forwarded-Host": {"evil.example"}, "X-Forwarded-Proto": {"https", "http, https", "javascript"}, "X-Forwarded-Scheme": {"https", "nothttps"}, "X-Forwarded-Ssl": {"on"},
	"X-Forwarded-Port": {"1", "443"}, "X-Forwarded-Prefix": {"/evil", "//evil.example"}, "X-Forwarded-Server": {"evil.example"}, "X-Forwarded-Uri": {"/evil"}, "X-Forwarded-Path": {"/evil"},
	"X-Forwarded-For": {"127.0.0.1", "::1"}, "X-Real-Ip": {"127.0.0.1"}, "True-Client-Ip": {"127.0.0.1"}, "Forwarded": {`for=127.0.0.1;host=evil.example;proto=https`},
	"X-Original-Url": {"/auth/csrf", "/metrics"}, "X-Rewrite-Url": {"/auth/csrf"}, "X-Original-Uri": {"/auth/csrf"}, "X-Original-Host": {"evil.example"}, "X-Host": {"evil.example"},
	"X-Http-Method-Override": {"POST", "DELETE", "HEAD"}, "X-Http-Method": {"POST"}, "X-Method-Override": {"POST"}, "X-Http-Host-Override": {"evil.example"}, "X-Url-Scheme": {"https"},
	"Front-End-Https": {"on"}, "Cf-Visitor": {`{"scheme":"https"}`}, "Cloudfront-Forwarded-Proto": {"https"}, "X-Vercel-Forwarded-Proto": {"https"}, "X-Vercel-Id": {"x"},
	"X-Middleware-Subrequest": {"middleware:middleware:middleware:middleware:middleware"}, "X-Nextjs-Data": {"1"}, "Rsc": {"1"}, "Next-Router-Prefetch": {"1"}, "X-Invoke-Path": {"/evil"},
	"X-Amz-Website-Redirect-Location": {"https://evil.example"}, "X-Amz-Cf-Id": {"x"}, "Surrogate-Capability": {"x=ESI/1.0"}, "X-Accel-Redirect": {"/evil"}, "X-Sendfile": {"/etc/passwd"},
	"Range": {"bytes=0-0", "bytes=0-,0-,0-", "bytes=-1"}, "If-Range": {"x"}, "If-None-Match": {"*", `"x"`}, "If-Match": {"*", `"x"`}, "If-Modified-Since": {"Fri, 31 Dec 2099 23:59:59 GMT"},
	"If-Unmodified-Since": {"Thu, 01 Jan 1970 00:00:00 GMT"}, "Accept-Encoding": {"gzip", "identity;q=0"}, "Accept-Charset": {"utf-16"}, "Te": {"trailers"}, "Via": {"evil.example"},
	"Cache-Control": {"only-if-cached", "max-age=99999"}, "Pragma": {"x"}, "Referer": {"https://evil.example/"}, "User-Agent": {"evil.example", strings.Repeat("x", 5000)},
	"X-Request-Id": {"evil.example"}, "Traceparent": {"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}, "Authorization": {"Bearer evil.example"}, "Content-Type": {"text/html"},
	"Purpose": {"prefetch"}, "Sec-Purpose": {"prefetch"}, "Upgrade-Insecure-Requests": {"1"}, "Dnt": {"1"}, "Save-Data": {"on"}, "X-Requested-With": {"XMLHttpRequest"}, "Origin": {"https://evil.example"},
}

type headerSet struct {
	what   string
	header http.Header
}

// headerSets are the unkeyed headers, all at once with their first value, with
// their second and so on, and where each is wanted one by one.
func headerSets(each bool) (list []headerSet) {
	for i := range 3 {
		all := http.Header{}
		for name, values := range unkeyed {
			all.Set(name, values[min(i, len(values)-1)])
			for _, value := range values {
				if each && i == 0 {
					list = append(list, headerSet{fmt.Sprintf("%s: %.60s", name, value), http.Header{name: {value}}})
				}
			}
		}
		list = append(list, headerSet{fmt.Sprintf("all headers, values %d", i), all})
	}
	return list
}

// Of the headers that a shared cache passes over, none changes what is answered:
// not the status, not the body, not where it leads, not a cookie.
//
// proves: CS-24, ASVS 4.1.3
func TestCachePoisoning_unkeyedHeadersChangeNothing(t *testing.T) {
	s := newSite(t, nil)
	s.newUser(t, "victim@app.example")
	signedIn := s.browser(v4).signIn(t, "victim@app.example", password)
	clean := s.browser(v4)
	clean.token()
	for _, path := range addresses(t, s) {
		path = strings.ReplaceAll(path, "{file}", "style.css")
		for who, c := range map[string]struct {
			accept string
			jar    map[string]string
		}{"nobody": {"text/html", nil}, "a client": {"*/*", nil}, "with a token": {"text/html", clean.jar}} {
			ask := func(more http.Header) string {
				more.Set("Accept", c.accept)
				return settled(s.send(request{http.MethodGet, path, "", "", more, c.jar}))
			}
			want := ask(http.Header{})
			for _, one := range headerSets(strings.HasSuffix(path, "/signin")) {
				if diff := cmp.Diff(want, ask(one.header)); diff != "" {
					t.Errorf("%s as %s: %s changes the answer:\n%s", path, who, one.what, diff)
				}
			}
		}
	}
	// The control: a header that caches do key on, because Vary names it.
	german := s.send(request{http.MethodGet, v4.base + "/signin", "", "", http.Header{"Accept-Language": {"de"}}, nil})
	plain := s.send(request{http.MethodGet, v4.base + "/signin", "", "", nil, nil})
	if settled(german) == settled(plain) || !strings.Contains(german.header.Get("Vary"), "Accept-Language") {
		t.Errorf("Accept-Language changes nothing, or Vary does not name it: %q", german.header.Get("Vary"))
	}
	if signedIn.who().Email == "" {
		t.Error("the victim was signed out")
	}
}

// Nothing but an asset that is there, and the published keys and addresses, may
// be kept by anybody: no page, no
// refusal, nothing with a cookie, nothing about somebody, whatever the address
// pretends to be.
//
// proves: ASVS 14.2.2, ASVS 14.2.5, ASVS 14.3.2, CS-14, CS-42
func TestCacheDeception_nothingPersonalIsKept(t *testing.T) {
	s := newSite(t, nil)
	s.newUser(t, "victim@app.example")
	victim := s.browser(v4).signIn(t, "victim@app.example", password)
	page := victim.get("/account")
	if page.status != http.StatusOK || !strings.Contains(page.body, "victim@app.example") {
		t.Fatalf("the control shows nothing personal: %d", page.status)
	}
	_, rest, _ := strings.Cut(page.body, "/assets/")
	asset, _, _ := strings.Cut(rest, `"`)
	style := s.send(request{http.MethodGet, v4.base + "/assets/" + asset, "", "", nil, victim.jar})
	if style.status != http.StatusOK || !strings.Contains(style.header.Get("Cache-Control"), "immutable") || style.header.Get("Set-Cookie") != "" || strings.Contains(style.body, "victim") {
		t.Fatalf("the control, the asset %q: %d %v", asset, style.status, style.header)
	}
	paths := addresses(t, s)
	for _, personal := range []string{"/session", "/account", "/csrf", "/signin", "/account/password"} {
		for _, disguise := range []string{
			".css", "/x.css", "/.css", ";x.css", "/;x.css", ";/x.css", "%3Bx.css", "%2Fx.css", "%252Fx.css", "%00.css", "%0A.css", "%09x.js", "%20.css", "%23x.css", "%3Fx.css", "?x.css", "?/x.css",
			"/..;/x.css", "/%2e%2e/x.css", "/../assets/" + asset, "/%2e%2e/assets/" + asset, "/..%2fassets/" + asset, "/.", "//", "/index.html", "~.css", ",.css", "\\x.css", "%5Cx.css", "$x.css",
		} {
			paths = append(paths, v4.base+personal+disguise)
		}
		paths = append(paths, v4.base+"/assets/.."+personal, v4.base+"/assets/%2e%2e"+personal, v4.base+"/assets/..%2f"+personal[1:], v4.base+"/assets/"+asset+"/.."+personal,
			v4.base+"/assets/"+asset+"%2f.."+personal, v4.base+"/assets/"+asset+";"+personal, v4.base+"/assets"+personal, v4.base+"/assets/x.css")
	}
	for _, path := range paths {
		for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodOptions} {
			for _, accept := range []string{"*/*", "text/html", "text/css", "image/*"} {
				a := s.send(request{method, path, formType, "", http.Header{"Accept": {accept}}, victim.jar})
				if a.header == nil {
					continue // net/http refuses it
				}
				cache := a.header.Get("Cache-Control")
				if strings.Contains(cache, "no-store") {
					continue
				}
				if published(path, a) {
					continue
				}
				if a.status != http.StatusOK || !strings.Contains(path, "/assets/"+asset) || a.header.Get("Set-Cookie") != "" || strings.Contains(a.body, "victim") {
					t.Errorf("%s %s (%s) may be kept: %d, Cache-Control %q, cookies %q", method, path, accept, a.status, cache, a.header["Set-Cookie"])
				}
			}
		}
	}
}

// raw sends bytes as they are and reads one answer.
func raw(t *testing.T, address, text string) answer {
	t.Helper()
	c, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(20 * time.Second))
	if _, err := io.WriteString(c, text); err != nil {
		t.Fatal(err)
	}
	method, _, _ := strings.Cut(text, " ")
	res, err := http.ReadResponse(bufio.NewReader(c), &http.Request{Method: method})
	if err != nil {
		return answer{}
	}
	defer res.Body.Close()
	body, _ := io.ReadAll(res.Body)
	return answer{res.StatusCode, res.Header, string(body)}
}

// Who we are is what the configuration says. A Host header, its spelling, a
// second one, the absolute form and what a proxy is told change neither a link
// nor a redirect nor a cookie; what is no request is refused by the server.
//
// proves: CS-24, ASVS 4.1.3
func TestHostPoisoning_addressesAreOurOwn(t *testing.T) {
	s := newSite(t, nil)
	server := httptest.NewServer(s.Handler())
	defer server.Close()
	address := server.Listener.Addr().String()
	for _, d := range dialects {
		for _, page := range []string{"/signin", "/providers", "/account", "/signup", "/setup", "/error?error=Verification", "/csrf", "/signin/x", "/nothing"} {
			accept := "Accept: text/html\r\nConnection: close\r\n"
			want := settled(raw(t, address, "GET "+d.base+page+" HTTP/1.1\r\nHost: localhost:3000\r\n"+accept+"\r\n"))
			if !strings.Contains(want, origin) && page != "/csrf" && page != "/signin/x" {
				t.Fatalf("%s%s: the control names no address of ours:\n%s", d.base, page, want)
			}
			refused := 0
			for what, text := range map[string]string{
				"another host":          "GET %s HTTP/1.1\r\nHost: evil.example\r\n",
				"another port":          "GET %s HTTP/1.1\r\nHost: localhost:1\r\n",
				"no port":               "GET %s HTTP/1.1\r\nHost: localhost\r\n",
				"a bad port":            "GET %s HTTP/1.1\r\nHost: localhost:3000@evil.example\r\n",
				"a port that is text":   "GET %s HTTP/1.1\r\nHost: localhost:evil\r\n",
				"capitals":              "GET %s HTTP/1.1\r\nHost: LOCALHOST:3000\r\n",
				"a final dot":           "GET %s HTTP/1.1\r\nHost: localhost.:3000\r\n",
				"a suffix":              "GET %s HTTP/1.1\r\nHost: localhost.evil.example\r\n",
				"no host":               "GET %s HTTP/1.1\r\nHost:\r\n",
				"a missing host":        "GET %s HTTP/1.1\r\n",
				"HTTP/1.0 without host": "GET %s HTTP/1.0\r\n",
				"two hosts":             "GET %s HTTP/1.1\r\nHost: localhost:3000\r\nHost: evil.example\r\n",
				"two hosts, turned":     "GET %s HTTP/1.1\r\nHost: evil.example\r\nHost: localhost:3000\r\n",
				"a list of hosts":       "GET %s HTTP/1.1\r\nHost: localhost:3000, evil.example\r\n",
				"a folded host":         "GET %s HTTP/1.1\r\nHost: localhost:3000\r\n evil.example\r\n",
				"a blank before colon":  "GET %s HTTP/1.1\r\nHost : evil.example\r\nHost: localhost:3000\r\n",
				"a bare line feed":      "GET %s HTTP/1.1\nHost: evil.example\n",
				"absolute form":         "GET http://evil.example%s HTTP/1.1\r\nHost: localhost:3000\r\n",
				"absolute, both":        "GET http://evil.example%s HTTP/1.1\r\nHost: evil.example\r\n",
				"absolute https":        "GET https://evil.example%s HTTP/1.1\r\nHost: localhost:3000\r\n",
				"absolute, a user":      "GET http://localhost:3000@evil.example%s HTTP/1.1\r\nHost: localhost:3000\r\n",
				"absolute, no scheme":   "GET //evil.example%s HTTP/1.1\r\nHost: localhost:3000\r\n",
				"a strange scheme":      "GET javascript:%s HTTP/1.1\r\nHost: localhost:3000\r\n",
				"CR in the host":        "GET %s HTTP/1.1\r\nHost: localhost\rX: evil.example\r\n",
				"bytes in the host":     "GET %s HTTP/1.1\r\nHost: evil\xff.example\r\n",
				"markup in the host":    "GET %s HTTP/1.1\r\nHost: \"><script>evil.example\r\n",
				"a slash in the host":   "GET %s HTTP/1.1\r\nHost: evil.example/x\r\n",
				"everything":            "GET %s HTTP/1.1\r\nHost: evil.example\r\nX-Forwarded-Host: evil.example\r\nX-Forwarded-Proto: https\r\nForwarded: host=evil.example\r\nX-Host: evil.example\r\nX-Forwarded-Prefix: /evil\r\n",
			} {
				a := raw(t, address, fmt.Sprintf(text, d.base+page)+accept+"\r\n")
				// Another host, or an address of another site, may be refused; what is
				// answered is what anybody gets.
				if a.status == http.StatusBadRequest || a.status == http.StatusNotFound {
					if refused++; strings.Contains(fmt.Sprint(a.header, a.body), "evil") {
						t.Errorf("%s%s, %s: the refusal names evil: %v %s", d.base, page, what, a.header, a.body)
					}
					if page != "/nothing" && page != "/signin/x" {
						continue
					}
				}
				if a.status == http.StatusOK || a.status/100 == 3 {
					if diff := cmp.Diff(want, settled(a)); diff != "" {
						t.Errorf("%s%s, %s: the answer is another:\n%s", d.base, page, what, diff)
					}
				}
			}
			if refused < 5 || refused > 20 && page == "/signin" {
				t.Errorf("%s%s: %d were refused; the test looks at the wrong thing", d.base, page, refused)
			}
		}
	}
}

// Every endpoint of the table states what may keep its answer, and its answers
// say the same, refusals too.
//
// proves: CS-14, ASVS 14.3.2
func TestEndpoints_sayWhatTheTableSays(t *testing.T) {
	s := newSite(t, nil)
	table, err := gatehouse.Endpoints(s.cfg)
	if err != nil {
		t.Fatal(err)
	}
	immutable := 0
	for _, e := range table {
		if e.Guard == web.Operator {
			continue
		}
		path := strings.NewReplacer("{provider}", "credentials", "{error}", "Verification", "{file}", "missing.css").Replace(e.Pattern)
		method := strings.Replace(e.Method, "*", http.MethodPut, 1)
		if e.Cache == web.Immutable {
			immutable++
		}
		a := s.send(request{method: method, path: path})
		if got := a.header.Get("Cache-Control"); !strings.Contains(got, "no-store") && !(e.Cache == web.Published && published(path, a)) {
			t.Errorf("%s %s is answered %d with Cache-Control %q", method, path, a.status, got)
		}
	}
	if immutable != 2 {
		t.Errorf("%d endpoints whose answers may be kept, want the assets of two mounts", immutable)
	}
}
