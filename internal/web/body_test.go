package web_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/web"
)

type form struct {
	Email    string `json:"email"`
	Password string `json:"password"`
}

// post sends a body and returns the answer of an endpoint that decodes it.
func post(t *testing.T, contentType string, body io.Reader) (*http.Response, form) {
	t.Helper()
	var in form
	s := serve(t, web.RouterOptions{}, endpoint("/x", func(w http.ResponseWriter, r *http.Request) error {
		return web.DecodeJSON(w, r, &in)
	}))
	r := httptest.NewRequest(http.MethodPost, "/x", body)
	if contentType != "" {
		r.Header.Set("Content-Type", contentType)
	}
	return s.do(r), in
}

func TestDecodeJSON_readsWhatIsDocumented(t *testing.T) {
	for name, text := range map[string]string{
		"plain": `{"email":"a@x.test","password":"p"}`, "blanks": " \r\n\t{ \"email\" : \"a@x.test\" , \"password\" : \"p\" }\n",
		"more than is asked": `{"role":"admin","email":"a@x.test","deep":{"a":[1,2,{"b":null}]},"password":"p"}`,
	} {
		res, in := post(t, "application/json; charset=UTF-8", strings.NewReader(text))
		if res.StatusCode != 200 || in != (form{"a@x.test", "p"}) {
			t.Errorf("%s: %d, %+v", name, res.StatusCode, in)
		}
	}
}

// proves: ASVS 3.5.2, CS-23
func TestDecodeJSON_refusesWhatAForeignPageCanSend(t *testing.T) {
	for _, contentType := range []string{
		"", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "text/plain; application/json", "text/json",
		"application/jsonp", "application/json, text/plain", "application/ld+json", "APPLICATION", ";", "application/json; charset=a; charset=b",
	} {
		res, _ := post(t, contentType, strings.NewReader(`{"email":"a@x.test"}`))
		if p := problem(t, res); p.Status != http.StatusUnsupportedMediaType || p.Code != "invalid_request" {
			t.Errorf("%q: %+v, want 415", contentType, p)
		}
	}
}

// endless is a body without length that never stops.
type endless struct{ read int }

func (e *endless) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = ' '
	}
	e.read += len(b)
	return len(b), nil
}

// proves: ASVS 5.2.1
func TestDecodeJSON_stopsReadingAtTheLimit(t *testing.T) {
	e := &endless{}
	res, _ := post(t, "application/json", e)
	if p := problem(t, res); p.Status != http.StatusRequestEntityTooLarge {
		t.Errorf("an endless body: %+v", p)
	}
	if e.read > 4*web.MaxBody {
		t.Errorf("%d bytes were read", e.read)
	}
	fits := `{"email":"` + strings.Repeat("a", web.MaxBody-len(`{"email":""}`)) + `"}`
	if res, in := post(t, "application/json", strings.NewReader(fits)); res.StatusCode != 200 || len(in.Email) == 0 {
		t.Errorf("%d bytes: %d", len(fits), res.StatusCode)
	}
	if res, _ := post(t, "application/json", strings.NewReader(fits+" ")); res.StatusCode != http.StatusRequestEntityTooLarge {
		t.Errorf("%d bytes: %d", len(fits)+1, res.StatusCode)
	}
}

// broken is a connection that breaks.
type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, errors.New("connection reset") }

// proves: ASVS 15.3.5, ASVS 1.5.2, ASVS 1.5.3, ASVS 15.2.5, ASVS 15.3.7
func TestDecodeJSON_refusesWhatIsNotThatShape(t *testing.T) {
	for name, text := range map[string]string{
		"nothing": "", "blanks": " \n", "null": "null", "list": "[]", "text": `"x"`, "number": "1", "not JSON": "{email:1}", "cut": `{"email":"a`,
		"something behind": `{} {}`, "a comma": `{"email":"a",}`, "comment": "{/*x*/}", "byte order mark": "\ufeff{}", "null bytes": "\x00\x00",
		"a number for text": `{"email":1}`, "a list for text": `{"email":["a"]}`, "an object for text": `{"password":{"$ne":null}}`, "true for text": `{"password":true}`,
		"33 deep": `{"x":` + strings.Repeat("[", 33) + strings.Repeat("]", 33) + `}`, "thirty thousand deep": `{"x":` + strings.Repeat("[", 30000),
		"deep objects": strings.Repeat(`{"a":`, 5000) + "1" + strings.Repeat("}", 5000), "a huge number": `{"email":1e999999}`,
		"a member twice": `{"email":"a","email":"b"}`, "twice by escapes": `{"email":"a","\u0065mail":"b"}`, "twice by case": `{"password":"a","PASSWORD":"b"}`,
		"twice by another letter": `{"password":"a","paſſword":"b"}`, "half a character": `{"password":"\ud800"}`, "not UTF-8": "{\"password\":\"\xff\"}",
		"latin-1 control": "{\"email\":\"a\x01\"}",
	} {
		res, _ := post(t, "application/json", strings.NewReader(text))
		if p := problem(t, res); p.Status != http.StatusBadRequest || p.Code != "invalid_request" {
			t.Errorf("%s: %+v, want 400", name, p)
		}
	}
	if res, _ := post(t, "application/json", broken{}); res.StatusCode != http.StatusBadRequest {
		t.Errorf("a connection that breaks: %d", res.StatusCode)
	}
	res, _ := post(t, "application/json", strings.NewReader(`{"password":["hunter2"]}`))
	if p := problem(t, res); p.Field != "password" || strings.Contains(fmt.Sprint(p), "hunter2") {
		t.Errorf("problem %+v, want the field and not what was in it", p)
	}
}

func TestDecodeJSON_bracketsInTextAreNoNesting(t *testing.T) {
	text := `{"email":"` + strings.Repeat("[{", 200) + `\"` + strings.Repeat("[", 200) + `"}`
	if res, _ := post(t, "application/json", strings.NewReader(text)); res.StatusCode != 200 {
		t.Errorf("status %d", res.StatusCode)
	}
}

func FuzzDecodeJSON(f *testing.F) {
	for _, seed := range []string{
		`{"email":"a","password":"b"}`, `{"email":null}`, `{"email":{"a":[1,2]}}`, "[]", `{"a":"\ud800"}`, `{"email":"\u0000"}`, strings.Repeat("[", 100), "{\"\\", `{"a":"\"[[["}`,
		`{"EMAIL":"x","email":1}`, "{\"email\":\"\xff\"}",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		var in form
		err := web.UnmarshalObject(body, &in)
		if err == nil {
			var m map[string]json.RawMessage
			if json.Unmarshal(body, &m) != nil {
				t.Fatalf("%q was accepted and is no object", body)
			}
			return
		}
		if status := web.Status(err); status != http.StatusBadRequest {
			t.Fatalf("%q: status %d (%v)", body, status, err)
		}
		var refused *auth.Error
		if !errors.As(err, &refused) || refused.Text() == "" {
			t.Fatalf("%q: %v", body, err)
		}
	})
}

// Every Code has an answer in the dialect of problem documents.
//
// proves: CS-34, NEXT-12, ASVS 4.1.1
func TestFailProblem_hasAnAnswerForEveryCode(t *testing.T) {
	status := map[auth.Kind]int{
		auth.KindInternal: 500, auth.KindInvalid: 400, auth.KindUnauthenticated: 401, auth.KindForbidden: 403, auth.KindNotFound: 404,
		auth.KindConflict: 409, auth.KindExpired: 410, auth.KindRateLimited: 429, auth.KindUnavailable: 503,
	}
	for _, code := range auth.Codes() {
		var failure error
		s := serve(t, web.RouterOptions{}, endpoint("/x", func(http.ResponseWriter, *http.Request) error { return failure }))
		for name, err := range map[string]error{
			"bare": code, "refusal": auth.NewError(code, errors.New("CAUSE")), "wrapped": fmt.Errorf("WRAPPED: %w", auth.NewError(code, nil)),
		} {
			failure = err
			res := s.get("/x")
			reference := res.Header.Get("X-Request-Id")
			p := problem(t, res)
			if p.Status != status[code.Kind()] || p.Code != string(code) || p.Detail != code.Message() || p.Type != "about:blank" || p.Reference != reference {
				t.Errorf("%s, %s: %+v", code, name, p)
			}
			if text := fmt.Sprint(p); strings.Contains(text, "CAUSE") || strings.Contains(text, "WRAPPED") {
				t.Errorf("%s, %s: tells the cause: %s", code, name, text)
			}
			if waits := res.Header.Get("Retry-After") != ""; waits != (code.Kind() == auth.KindUnavailable) {
				t.Errorf("%s, %s: Retry-After %q", code, name, res.Header.Get("Retry-After"))
			}
		}
	}
}

func TestFailProblem_hidesWhatIsNoRefusal(t *testing.T) {
	s := serve(t, web.RouterOptions{}, endpoint("/x", func(http.ResponseWriter, *http.Request) error {
		return errors.New("open /var/lib/gatehouse/db: permission denied")
	}))
	res := s.get("/x")
	if p := problem(t, res); p.Status != 500 || p.Code != "internal" || strings.Contains(fmt.Sprint(p), "gatehouse/db") {
		t.Errorf("problem %+v", p)
	}
	if !strings.Contains(s.log.String(), "permission denied") {
		t.Error("the log does not know either")
	}
}

// proves: NEXT-7
func TestSetRetryAfter_roundsUpToSeconds(t *testing.T) {
	for _, c := range []struct {
		e    *auth.Error
		want string
	}{
		{&auth.Error{Code: auth.CodeTooManyAttempts, RetryAfter: time.Nanosecond}, "1"},
		{&auth.Error{Code: auth.CodeTooManyAttempts, RetryAfter: time.Second}, "1"},
		{&auth.Error{Code: auth.CodeTooManyAttempts, RetryAfter: 1001 * time.Millisecond}, "2"},
		{&auth.Error{Code: auth.CodeTooManyAttempts, RetryAfter: 15 * time.Minute}, "900"},
		{&auth.Error{Code: auth.CodeBusy}, "1"},
		{&auth.Error{Code: auth.CodeForbidden}, ""},
		{&auth.Error{Code: auth.CodeForbidden, RetryAfter: -time.Second}, ""},
	} {
		h := http.Header{}
		web.SetRetryAfter(h, c.e)
		if got := h.Get("Retry-After"); got != c.want {
			t.Errorf("%s after %v: %q, want %q", c.e.Code, c.e.RetryAfter, got, c.want)
		}
	}
}

func TestWriteJSON_ofWhatCannotBeWrittenIsInternal(t *testing.T) {
	w := httptest.NewRecorder()
	if err := web.WriteJSON(w, 200, make(chan int)); !errors.Is(err, auth.CodeInternal) || w.Body.Len() != 0 {
		t.Errorf("got %v with %d bytes written", err, w.Body.Len())
	}
	if err := web.WriteJSON(w, 201, map[string]string{"a": "</script>"}); err != nil || w.Code != 201 || w.Header().Get("Content-Type") != "application/json; charset=utf-8" {
		t.Errorf("%v, %d, %v", err, w.Code, w.Header())
	}
}
