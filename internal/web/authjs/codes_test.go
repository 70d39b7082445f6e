package authjs_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/signin"
	"github.com/gatehouse-auth/gatehouse/internal/vectors"
	"github.com/gatehouse-auth/gatehouse/internal/web/authjs"
	"github.com/gatehouse-auth/gatehouse/internal/web/authjs/wire"
	"github.com/gatehouse-auth/gatehouse/internal/web/pages"
)

// refusing is an Authenticator that always gives one answer.
type refusing struct{ err error }

func (r refusing) Password(context.Context, string, auth.Secret, signin.Browser) (signin.Outcome, error) {
	return signin.Outcome{}, r.err
}

// TestCodes_eachHasAnAnswerInBothDialects walks every Code there is through a
// failed sign-in: a client gets JSON with an absolute address it can parse, a
// browser a page or a redirect on our origin, and neither anything of the cause.
func TestCodes_eachHasAnAnswerInBothDialects(t *testing.T) {
	for _, dialect := range []string{"v4", "v5"} {
		for _, code := range auth.Codes() {
			for _, wantsJSON := range []bool{true, false} {
				name := dialect + "/" + string(code) + map[bool]string{true: "/json", false: "/form"}[wantsJSON]
				t.Run(name, func(t *testing.T) {
					w := failedSignIn(t, dialect, wantsJSON, &auth.Error{
						Code: code, RetryAfter: 90 * time.Second, Cause: context.DeadlineExceeded,
					})
					judgeRefusal(t, code, wantsJSON, w)
				})
			}
		}
	}
}

func judgeRefusal(t *testing.T, code auth.Code, wantsJSON bool, w *httptest.ResponseRecorder) {
	t.Helper()
	kind := code.Kind()
	if strings.Contains(w.Body.String(), "deadline") {
		t.Errorf("the cause is shown: %s", w.Body)
	}
	if (w.Code >= 500) != (kind == auth.KindInternal || kind == auth.KindUnavailable) {
		t.Errorf("status %d for a refusal of kind %d", w.Code, kind)
	}
	if kind == auth.KindRateLimited && (w.Code != http.StatusTooManyRequests || w.Header().Get("Retry-After") != "90") {
		t.Errorf("status %d and Retry-After %q, want 429 and 90", w.Code, w.Header().Get("Retry-After"))
	}
	location := w.Header().Get("Location")
	if wantsJSON && kind != auth.KindInternal {
		_, rest, found := strings.Cut(w.Body.String(), `{"url":"`)
		if !found {
			t.Fatalf("no JSON with an address: %s", w.Body)
		}
		location = strings.ReplaceAll(strings.TrimSuffix(rest, `"}`), `\u0026`, "&")
	}
	if location == "" {
		return // a page
	}
	u, err := url.Parse(location)
	if err != nil || u.Scheme != "http" || u.Host != "localhost:3000" || u.Query().Get("error") == "" {
		t.Errorf("address %q is not on our origin, or tells no error (%v)", location, err)
	}
}

// TestCodes_eachStaysOnTheHostedForm: the form that is known as ours comes back
// with its problem, in both dialects alike.
func TestCodes_eachStaysOnTheHostedForm(t *testing.T) {
	for _, dialect := range []string{"v4", "v5"} {
		for _, code := range auth.Codes() {
			w := failedSignIn(t, dialect, false, &auth.Error{Code: code, RetryAfter: 90 * time.Second, Cause: context.DeadlineExceeded}, "hosted")
			want := map[auth.Kind]int{auth.KindRateLimited: 429, auth.KindUnavailable: 503, auth.KindInternal: 500}[code.Kind()]
			if want == 0 {
				want = http.StatusUnauthorized // whatever is wrong, it tells no more
			}
			if w.Code != want || w.Header().Get("Location") != "" {
				t.Errorf("%s, %s: status %d and Location %q, want %d and none", dialect, code, w.Code, w.Header().Get("Location"), want)
			}
			form := strings.Contains(w.Body.String(), `value="ann@example.test"`)
			if form == (want == http.StatusInternalServerError) || strings.Contains(w.Body.String(), "deadline") {
				t.Errorf("%s, %s: the form is there: %v\n%s", dialect, code, form, w.Body)
			}
			if want == http.StatusInternalServerError {
				continue
			}
			if waits := want == 429 || want == 503; waits != (w.Header().Get("Retry-After") == "90") || waits != strings.Contains(w.Body.String(), "90 seconds") {
				t.Errorf("%s, %s: Retry-After %q", dialect, code, w.Header().Get("Retry-After"))
			}
		}
	}
}

// failedSignIn posts credentials with a good CSRF token to a handler whose
// authenticator refuses; marks are further fields of the form.
func failedSignIn(t *testing.T, dialect string, wantsJSON bool, refusal error, marks ...string) *httptest.ResponseRecorder {
	t.Helper()
	s := newSiteWith(t, vectors.Inputs{
		Dialect: dialect, Origin: "http://localhost:3000", BasePath: "/api/auth", Secret: vectors.Texts{"a secret of the application, 0123456789"},
		JWTMaxAge: 3600, Session: vectors.Session{MaxAge: 3600},
		Providers: []vectors.Provider{{ID: "credentials", Name: "Credentials", Type: "credentials"}},
	}, func(o *authjs.Options) {
		o.Mark = len(marks) > 0
		o.Fields = []pages.Field{pages.IdentifierField(), pages.PasswordField()}
	}, refusing{refusal})
	first := httptest.NewRecorder()
	s.handler.ServeHTTP(first, httptest.NewRequest("GET", "/api/auth/csrf", nil))
	token := strings.TrimSuffix(strings.TrimPrefix(first.Body.String(), `{"csrfToken":"`), `"}`)
	form := url.Values{"csrfToken": {token}, "identifier": {"ann@example.test"}, "password": {"whatever"}}
	for _, mark := range marks {
		form.Set(mark, "1")
	}
	if wantsJSON {
		form.Set("json", "true")
	}
	r := httptest.NewRequest("POST", "/api/auth/callback/credentials", strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if wantsJSON {
		r.Header.Set("X-Auth-Return-Redirect", "1")
	}
	for _, c := range first.Result().Cookies() {
		r.AddCookie(&http.Cookie{Name: c.Name, Value: wire.EncodeURIComponent(wire.DecodeCookieValue(c.Value))})
	}
	w := httptest.NewRecorder()
	s.handler.ServeHTTP(w, r)
	return w
}
