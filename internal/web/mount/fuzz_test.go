package mount_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/gatehouse-auth/gatehouse/internal/roomtest"
	"github.com/gatehouse-auth/gatehouse/internal/web"
	"github.com/gatehouse-auth/gatehouse/internal/web/mount"
)

// FuzzOpen gives an exchange any body under any content type, any query and any
// cookie header: it is opened or refused with a status of the caller's, a field is
// what the standard library reads last, only the right token verifies, and the way
// on is on our own origin.
func FuzzOpen(f *testing.F) {
	rooms := roomtest.New(f)
	token := map[*mount.Mount]string{}
	cookie := map[*mount.Mount]string{}
	for _, m := range []*mount.Mount{rooms.V4, rooms.V5} {
		w := httptest.NewRecorder()
		x, err := m.Open(w, request(m, http.MethodGet, "/csrf", ""))
		if err != nil {
			f.Fatal(err)
		}
		token[m] = x.CSRFToken
		x.SendCookies()
		for _, c := range w.Result().Cookies() {
			if c.Name == csrfCookie(m) {
				cookie[m] = c.Value
			}
		}
	}
	const formType = "application/x-www-form-urlencoded"
	for _, seed := range [][4]string{
		{formType, "email=a&email=b&csrfToken=TOKEN", "callbackUrl=/x", ""},
		{formType, "email=%zz&email=a%00b&csrfToken=x&csrfToken=TOKEN&callbackUrl=//evil.example", "", ""},
		{formType + "; charset=utf-7", "csrfToken=TOKEN&callbackUrl=https%3A%2F%2Fevil.example", "", ""},
		{formType, "callbackUrl=/x%0d%0aSet-Cookie:a", "callbackUrl=javascript:alert(1)", "__Secure-next-auth.callback-url=https://evil.example"},
		{formType, strings.Repeat("a=1&", 20000), "", ""},
		{formType, "=&&;;%&email", "csrfToken=TOKEN", ""},
		{formType, "email=%ff&csrfToken=TO%4bEN", "", ""},
		{"application/json", `{"email":"a","csrfToken":"TOKEN","callbackUrl":"/y"}`, "", ""},
		{"application/json", `{"email":"a","Email":"b"}`, "", ""},
		{"application/json", `{"csrfToken":["TOKEN"],"email":{"a":1}}`, "", ""},
		{"text/plain; application/json", `{"email":"\ud83d\ude00","csrfToken":"TOKEN"}`, "", ""},
		{"multipart/form-data; boundary=x", "--x\r\n\r\ncsrfToken=TOKEN", "", ""},
		{"", "csrfToken=TOKEN", "", "a=b; a=c; __Host-next-auth.csrf-token=x"},
	} {
		f.Add(seed[0], seed[1], seed[2], seed[3])
	}
	f.Fuzz(func(t *testing.T, contentType, body, query, extra string) {
		for _, m := range []*mount.Mount{rooms.V4, rooms.V5} {
			fuzzOpen(t, m, token[m], cookie[m], contentType, strings.ReplaceAll(body, "TOKEN", token[m]), strings.ReplaceAll(query, "TOKEN", token[m]), extra)
		}
	})
}

func fuzzOpen(t *testing.T, m *mount.Mount, token, cookie, contentType, body, query, extra string) {
	r := httptest.NewRequest(http.MethodPost, "http://gatehouse.internal/", strings.NewReader(body))
	r.URL = &url.URL{Path: m.BasePath + "/signin", RawQuery: query}
	r.Header = http.Header{"Content-Type": {contentType}, "Cookie": {csrfCookie(m) + "=" + cookie + "; " + extra}}
	w := httptest.NewRecorder()
	x, err := m.Open(w, r)
	if err != nil {
		if status := web.Status(err); status != http.StatusBadRequest && status != http.StatusRequestEntityTooLarge {
			t.Fatalf("%q, %q: %d, %v", contentType, body, status, err)
		}
		if len(body) <= web.MaxBody && web.Status(err) != http.StatusBadRequest {
			t.Fatalf("%d bytes are too many: %v", len(body), err)
		}
		if len(w.Header()) > 0 && !errors.Is(err, mount.ErrCallbackURL) && web.Status(err) != http.StatusRequestEntityTooLarge {
			t.Fatalf("refused, and %v was sent", w.Header())
		}
		return
	}
	kind := strings.ToLower(contentType)
	isForm, isJSON := strings.Contains(kind, "application/x-www-form-urlencoded"), strings.Contains(kind, "application/json")
	form, _ := url.ParseQuery(body)
	for _, name := range []string{"email", "password", "csrfToken", "callbackUrl", "", "a"} {
		got, values := x.Field(name), form[name]
		switch {
		case isForm && len(values) > 0 && got != values[len(values)-1], isForm && len(values) == 0 && got != "":
			t.Fatalf("field %q of the form %q is %q, want the last of %q", name, body, got, values)
		case !isForm && !isJSON && got != "":
			t.Fatalf("field %q of a body as %q is %q", name, contentType, got)
		}
	}
	if verified := x.Verified(); verified != (x.Field("csrfToken") == token) {
		t.Fatalf("verified %v with the token %q of the body %q", verified, x.Field("csrfToken"), body)
	}
	r.Header.Set("Origin", "https://evil.example")
	if x.Verified() {
		t.Fatal("verified from a foreign origin")
	}
	if u, err := url.Parse(x.Callback); !strings.HasPrefix(x.Callback, m.Origin()) || strings.ContainsAny(x.Callback, "\r\n\x00\\") || err == nil && u.Scheme+"://"+u.Host != m.Origin() {
		t.Fatalf("body %q, query %q, cookies %q: the way on is %q", body, query, extra, x.Callback)
	}
	x.SendCookies()
	for _, line := range w.Header().Values("Set-Cookie") {
		if strings.ContainsAny(line, "\r\n\x00") {
			t.Fatalf("Set-Cookie: %q", line)
		}
	}
}
