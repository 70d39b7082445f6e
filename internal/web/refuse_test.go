package web_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/web"
)

// The refusal of an embedded route is an answer like any other: headers,
// reference, one line in the log.
//
// proves: ASVS 16.5.1
func TestRefuser_answersAsEveryEndpointDoes(t *testing.T) {
	s := serve(t, web.RouterOptions{HTTPS: true})
	w := httptest.NewRecorder()
	w.Header().Set("Vary", "Cookie")
	s.rt.Refuser("(embedded)")(w, httptest.NewRequest("DELETE", "/any/secret?token=x", nil), web.Refusal{
		Err: auth.NewError(auth.CodeForbidden, nil), Fail: web.FailProblem, UserID: "usr_1", SessionID: "ses_1",
	})
	res := w.Result()
	id := res.Header.Get("X-Request-Id")
	if p := problem(t, res); res.StatusCode != http.StatusForbidden || p.Code != "forbidden" || p.Reference != id || id == "" {
		t.Errorf("%d %+v, reference %q", res.StatusCode, p, id)
	}
	for name, want := range map[string]string{"Cache-Control": "no-store", "Vary": "Cookie", "X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY"} {
		if got := res.Header.Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	lines := s.lines()
	if len(lines) != 1 {
		t.Fatalf("%d lines", len(lines))
	}
	for key, want := range map[string]any{"request_id": id, "endpoint": "(embedded)", "method": "DELETE", "code": "forbidden", "user_id": "usr_1", "session_id": "ses_1"} {
		if lines[0][key] != want {
			t.Errorf("%s is %v, want %v", key, lines[0][key], want)
		}
	}
}
