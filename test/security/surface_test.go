package security_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"path"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"github.com/gatehouse-auth/gatehouse"
	"github.com/gatehouse-auth/gatehouse/internal/web"
	"github.com/gatehouse-auth/gatehouse/internal/web/webtest"
)

const (
	ann      = "ann@app.example"
	password = "seven grey herons at noon"
	formType = "application/x-www-form-urlencoded"
)

// mounted are a mount for each dialect.
func mounted(c *gatehouse.Config) {
	c.Mounts = append(c.Mounts, gatehouse.Mount{BasePath: "/auth", Dialect: "v5", Secrets: []gatehouse.Secret{"Lr7NcW3vQx0YtK5mJz8HbGd2SfPe6AuT"}})
}

// endpoints is the table of a Gatehouse that speaks both dialects.
func endpoints(t *testing.T) []web.Endpoint {
	t.Helper()
	cfg := gatehouse.Config{
		PublicOrigin: webtest.Origin, Secrets: []gatehouse.Secret{"mP4v-Q7zt_W2xK9sLr8bHc5nJd3yFg6T"},
		Mounts: []gatehouse.Mount{{Secrets: []gatehouse.Secret{"8uJw2QkZr5XcYb1LhTn7Ve0PsDf4Ga9M"}}},
	}
	mounted(&cfg)
	cfg.CSPReportURL = cfg.PublicOrigin + "/api/auth/csp-report" // else nothing is there
	list, err := gatehouse.Endpoints(cfg)
	if err != nil {
		t.Fatal(err)
	}
	if len(list) < 60 {
		t.Fatalf("only %d endpoints", len(list))
	}
	return list
}

// paths are the public addresses that take the method.
func paths(t *testing.T, method string) (list []string) {
	t.Helper()
	for _, e := range endpoints(t) {
		if e.Method == method && e.Guard != web.Operator {
			list = append(list, strings.NewReplacer("{provider}", "credentials", "{error}", "Verification", "{file}", "style.css").Replace(e.Pattern))
		}
	}
	return list
}

// ask sends one request as it is.
func ask(s *webtest.Site, method, path, contentType, body string, header http.Header) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, "http://gatehouse.internal"+path, strings.NewReader(body))
	for name, values := range header {
		r.Header[name] = values
	}
	if contentType != "" {
		r.Header.Set("Content-Type", contentType)
	}
	w := httptest.NewRecorder()
	s.Handler().ServeHTTP(w, r)
	return w
}

// navigation is what a browser sends that opens a page.
func navigation() http.Header {
	return http.Header{"Sec-Fetch-Mode": {"navigate"}, "Sec-Fetch-Site": {"none"}, "Accept": {"text/html"}}
}

// signedUp is a visitor with an account of their own.
func signedUp(t *testing.T, s *webtest.Site) *webtest.Visitor {
	t.Helper()
	v := s.Visitor()
	v.Get("/api/auth/signup").Submit(map[string]string{"identifier": ann, "name": "Ann", "password": password})
	if v.SignedInAs() != ann {
		t.Fatalf("signing up led to %s: %d\n%s", v.Address, v.Status, v.Body)
	}
	return v
}

// Of what lies about in folders of projects and servers nothing is served, and
// nobody is told which files there are.
//
// proves: ASVS 13.4.1, ASVS 13.4.3
func TestServer_servesNoFilesOfTheMachine(t *testing.T) {
	s := webtest.New(t, nil)
	if w := ask(s, "GET", "/api/auth/providers", "", "", nil); w.Code != 200 {
		t.Fatalf("the server answers %d", w.Code)
	}
	for _, base := range []string{"", "/api", "/api/auth", "/api/auth/assets"} {
		for _, name := range []string{
			"/.git/HEAD", "/.git/config", "/.git/", "/.gitignore", "/.svn/entries", "/.hg/store", "/.env", "/.DS_Store", "/go.mod", "/gatehouse.yaml", "/gatehouse.db", "/package.json",
			"/Dockerfile", "/etc/passwd", "/%2e%2e/%2e%2e/etc/passwd", "/..%2f..%2fgatehouse.db", "/", "/assets", "/assets/", "/assets/.", "/templates/", "/index.html", "/web.config", "/WEB-INF/web.xml",
		} {
			for _, header := range []http.Header{nil, navigation()} {
				w := ask(s, "GET", base+name, "", "", header)
				if w.Code != http.StatusNotFound && w.Code != http.StatusBadRequest {
					t.Errorf("%s%s is answered %d", base, name, w.Code)
				}
				if regexp.MustCompile(`(?i)style\.|script\.|icon\.|<pre>|index of|ref:|root:`).MatchString(strings.ReplaceAll(body(w), "/assets/", "")) && header == nil {
					t.Errorf("%s%s lists or shows files: %.200s", base, name, body(w))
				}
			}
		}
	}
}

func body(w *httptest.ResponseRecorder) string { return w.Body.String() }

// All that is served as a file is what the pages show, of four types; the same
// name with another ending is nothing.
//
// proves: ASVS 13.4.7
func TestAssets_areTheListedOnes(t *testing.T) {
	s := webtest.New(t, nil)
	page := s.Visitor().Get("/api/auth/signin").Body
	names := regexp.MustCompile(`/api/auth/assets/[\w.]+`).FindAllString(page, -1)
	if len(names) < 3 {
		t.Fatalf("the page shows %q", names)
	}
	types := map[string]string{".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml", ".png": "image/png", ".jpg": "image/jpeg", ".webp": "image/webp"}
	for _, name := range names {
		w := ask(s, "GET", name, "", "", nil)
		if w.Code != 200 || w.Header().Get("Content-Type") != types[path.Ext(name)] {
			t.Errorf("%s: %d as %q", name, w.Code, w.Header().Get("Content-Type"))
		}
		for _, ending := range []string{".map", ".bak", "~", ".go", ".html", ".json", "", ".gz", "%00.css", "/", "%2f"} {
			for _, other := range []string{name + ending, strings.TrimSuffix(name, path.Ext(name)) + ending} {
				if w := ask(s, "GET", other, "", "", nil); other != name && w.Code != 404 && w.Code != 400 {
					t.Errorf("%s is answered %d", other, w.Code)
				}
			}
		}
	}
}

// proves: ASVS 13.4.2, ASVS 13.4.5
func TestServer_showsItsInsideOnTheOpsListenerAlone(t *testing.T) {
	s := webtest.New(t, nil)
	for _, e := range endpoints(t) {
		if e.Guard != web.Operator {
			continue
		}
		if w := ask(s, "GET", strings.ReplaceAll(e.Pattern, "{nonce}", "x"), "", "", nil); w.Code != 404 {
			t.Errorf("%s is answered %d to everybody", e.Pattern, w.Code)
		}
	}
	for _, p := range []string{
		"/debug/pprof/", "/debug/pprof/heap", "/debug/vars", "/debug/requests", "/metrics", "/api/auth/metrics", "/api/auth/debug", "/openapi.json", "/swagger", "/docs", "/api/docs", "/status",
		"/server-status", "/health", "/api/auth/signin?debug=1", "/api/auth/session?debug=true", "/actuator",
	} {
		w := ask(s, "GET", p, "", "", http.Header{"X-Debug": {"1"}})
		ordinary := strings.HasPrefix(p, "/api/auth/") && w.Code < 500 // the protocol answers what it does not know with 400
		if w.Code != 404 && !ordinary || regexp.MustCompile(`goroutine|process_|go_gc|"paths"|heap`).MatchString(body(w)) {
			t.Errorf("%s is answered %d: %.100s", p, w.Code, body(w))
		}
	}
}

// What an outsider could look up in a list of known faults.
//
// proves: ASVS 13.4.6
func TestServer_doesNotSayWhatItIsMadeOf(t *testing.T) {
	s := webtest.New(t, nil)
	tells := regexp.MustCompile(`(?i)\b` + regexp.QuoteMeta(runtime.Version()) + `\b|\bgo1\.\d|\bv?\d+\.\d+\.\d+\b|sqlite|modernc|golang|gatehouse`)
	if !tells.MatchString("nginx/1.25.3") {
		t.Fatal("the pattern finds nothing")
	}
	for _, method := range []string{"GET", "POST", "DELETE", "TRACE"} {
		for _, p := range append(paths(t, "GET"), "/", "/x", "/api/auth/x", "//", "/api/auth/login") {
			for _, header := range []http.Header{nil, navigation()} {
				w := ask(s, method, p, "application/json", "{", header)
				text, _ := json.Marshal(w.Header())
				for _, found := range tells.FindAllString(string(text)+shownText(t, w), -1) {
					t.Errorf("%s %s: %d tells %q", method, p, w.Code, found)
				}
			}
		}
	}
}

// shownText is the answer without the drawings of a page.
func shownText(t *testing.T, w *httptest.ResponseRecorder) string {
	t.Helper()
	if !strings.HasPrefix(w.Header().Get("Content-Type"), "text/html") {
		return body(w)
	}
	doc, err := html.Parse(strings.NewReader(body(w)))
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for n := range doc.Descendants() {
		switch {
		case n.Type == html.TextNode, n.Type == html.CommentNode:
			b.WriteString(n.Data + "\n")
		case n.Type == html.ElementNode && n.Data == "meta":
			for _, a := range n.Attr {
				b.WriteString(a.Key + "=" + a.Val + "\n")
			}
		}
	}
	return b.String()
}

// An answer is data, never a call: whatever a page of another site asks for.
//
// proves: ASVS 3.5.6
func TestJSON_isNeverWrappedInACall(t *testing.T) {
	s := webtest.New(t, mounted)
	v := signedUp(t, s)
	for _, p := range paths(t, "GET") {
		for _, name := range []string{"callback", "jsonp", "cb", "_callback"} {
			plain, asked := v.Copy().Get(p), v.Copy().Get(p+"?"+name+"=evil.steal")
			kind := asked.Header.Get("Content-Type")
			if strings.Contains(asked.Body, "evil.steal") || strings.Contains(kind, "javascript") && !strings.HasSuffix(p, ".js") || plain.Status != asked.Status {
				t.Errorf("%s with %s: %d %s %.100s", p, name, asked.Status, kind, asked.Body)
			}
			if strings.HasPrefix(kind, "application/json") && !json.Valid([]byte(asked.Body)) {
				t.Errorf("%s with %s is no JSON: %.100s", p, name, asked.Body)
			}
		}
	}
	if w := v.Get("/api/auth/session?callback=x"); !json.Valid([]byte(w.Body)) || !strings.Contains(w.Body, ann) {
		t.Errorf("the session: %s", w.Body)
	}
}

// Another site can neither embed what a signed-in browser gets, nor lay it
// below a page of its own; and no cache on the way keeps it.
//
// proves: ASVS 3.5.8, ASVS 14.2.2, BCP-15, CB-23
func TestAnswers_areForOurOwnPagesAndNoCache(t *testing.T) {
	s := webtest.New(t, mounted)
	in, out := signedUp(t, s), s.Visitor()
	pages := 0
	for _, p := range append(paths(t, "GET"), "/", "/api/auth/nothing", "/elsewhere") {
		for _, v := range []*webtest.Visitor{in.Copy(), out} {
			for _, mode := range []string{"navigate", "no-cors", "cors"} {
				v.Sends = http.Header{"Sec-Fetch-Mode": {mode}, "Sec-Fetch-Site": {"cross-site"}}
				v.Get(p)
				h := v.Header
				if strings.Contains(p, "/.well-known/") {
					continue // published for everybody, see below
				}
				if got := h.Get("Cross-Origin-Resource-Policy"); got != "same-origin" {
					t.Errorf("%s (%s): Cross-Origin-Resource-Policy %q", p, mode, got)
				}
				if !strings.Contains(h.Get("Content-Security-Policy"), "frame-ancestors 'none'") || h.Get("X-Frame-Options") != "DENY" {
					t.Errorf("%s (%s) can be framed: %v", p, mode, h)
				}
				if !strings.Contains(h.Get("Cache-Control"), "no-store") {
					t.Errorf("%s (%s) may be kept: %q", p, mode, h.Get("Cache-Control"))
				}
				if got := h.Get("Referrer-Policy"); got != "no-referrer" && got != "same-origin" {
					t.Errorf("%s (%s): Referrer-Policy %q", p, mode, got)
				}
				if strings.HasPrefix(h.Get("Content-Type"), "text/html") {
					pages++
				}
			}
		}
	}
	if pages < 50 {
		t.Errorf("only %d of the answers were pages", pages)
	}
	// What verifiers of tokens need is the same for everybody, and says nothing of
	// anybody.
	published := 0
	for _, p := range paths(t, "GET") {
		if !strings.Contains(p, "/.well-known/") {
			continue
		}
		published++
		one, other := in.Get(p), out.Get(p)
		if one.Body != other.Body || len(one.Header["Set-Cookie"]) > 0 || !strings.HasPrefix(one.Header.Get("Cache-Control"), "public, max-age=") {
			t.Errorf("%s: %v", p, one.Header)
		}
	}
	if published == 0 {
		t.Error("nothing is published")
	}
	style := regexp.MustCompile(`/api/auth/assets/style\.\w+\.css`).FindString(out.Get("/api/auth/signin").Body)
	if w := in.Get(style); w.Header.Get("Cache-Control") != "public, max-age=31536000, immutable" || w.Header.Get("Cross-Origin-Resource-Policy") != "same-origin" {
		t.Errorf("%s: %v", style, w.Header)
	}
}

// What an answer depends on is named in Vary, or nothing may keep the answer.
//
// proves: CS-22
func TestAnswers_nameWhatTheyDependOn(t *testing.T) {
	s := webtest.New(t, mounted)
	cookie := s.Visitor().Get("/api/auth/csrf").Header.Get("Set-Cookie")
	differed := map[string]int{}
	for _, p := range append(paths(t, "GET"), "/", "/api/auth/nothing", "/api/auth/register") {
		plain := ask(s, "GET", p, "", "", nil)
		for name, value := range map[string]string{
			"Accept-Language": "de", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Site": "cross-site", "Accept": "text/html", "Origin": "https://evil.example",
			"Cookie": strings.Split(cookie, ";")[0], "X-Auth-Return-Redirect": "1", "User-Agent": "x",
		} {
			w := ask(s, "GET", p, "", "", http.Header{name: {value}})
			if w.Code == plain.Code && stable(body(w)) == stable(body(plain)) {
				continue
			}
			differed[name]++
			named := slices.ContainsFunc(w.Header().Values("Vary"), func(v string) bool { return strings.Contains(v, name) })
			if !named && !strings.Contains(w.Header().Get("Cache-Control"), "no-store") {
				t.Errorf("%s depends on %s, may be kept, and says Vary %q", p, name, w.Header().Values("Vary"))
			}
			if page := strings.HasPrefix(w.Header().Get("Content-Type"), "text/html"); page && (name == "Accept-Language" || name == "Cookie") && !named {
				t.Errorf("%s: a page depends on %s and says Vary %q", p, name, w.Header().Values("Vary"))
			}
		}
	}
	for _, name := range []string{"Accept-Language", "Sec-Fetch-Mode", "Accept"} {
		if differed[name] == 0 {
			t.Errorf("no answer depends on %s: the test sees nothing (%v)", name, differed)
		}
	}
}

// stable leaves out what is new in each answer.
func stable(body string) string {
	return regexp.MustCompile(`value="[0-9a-f]{64}"|nonce="\w+"|"csrfToken":"\w+"|<code>\w+</code>|"reference":"\w+"`).ReplaceAllString(body, "")
}

// What the hosted pages rest on in a browser is written down: each header and
// each attribute of a cookie that they send, and what is so without it.
//
// proves: ASVS 3.1.1
func TestDocument_namesWhatPagesNeedOfABrowser(t *testing.T) {
	said := map[string]string{}
	for _, row := range table(t, section(t, "docs/security/browsers.md", "## What the pages rest on")) {
		for _, name := range code(row[0]) {
			said[name] = row[len(row)-1]
		}
	}
	s := webtest.New(t, func(c *gatehouse.Config) { c.PublicOrigin = "https://app.example" })
	w := ask(s, "GET", "/api/auth/signin", "", "", navigation())
	if w.Code != 200 {
		t.Fatalf("the page is answered %d", w.Code)
	}
	var is []string
	for name := range w.Header() {
		switch name {
		case "Content-Type", "Content-Language", "X-Request-Id", "Cache-Control", "Vary": // what every browser of thirty years has
		case "Set-Cookie":
			for _, line := range w.Header().Values(name) {
				if strings.HasPrefix(line, "__Host-") {
					is = append(is, "__Host-")
				}
				for attribute := range strings.SplitSeq(line, "; ") {
					attribute, _, _ = strings.Cut(attribute, "=")
					if slices.Contains([]string{"HttpOnly", "Secure", "SameSite"}, attribute) {
						is = append(is, attribute)
					}
				}
			}
		default:
			is = append(is, name)
		}
	}
	is = append(is, regexp.MustCompile(`(require-)?trusted-types(-for)?`).FindAllString(w.Header().Get("Content-Security-Policy"), -1)...)
	is = append(is, "Sec-Fetch-Site", "Origin", "script")
	sameSets(t, "what pages need of a browser", sorted(keys(said)), sorted(is))
	for name, without := range said {
		if len(without) < 20 {
			t.Errorf("%s: the document does not say what is so without it: %q", name, without)
		}
	}
}

func keys[V any](m map[string]V) (list []string) {
	for k := range m {
		list = append(list, k)
	}
	return list
}
