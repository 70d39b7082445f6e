package web

import (
	"encoding/json"
	"math"
	"net/http"
	"strconv"
	"time"

	"github.com/gatehouse-auth/gatehouse/auth"
)

// Problem is a problem document (RFC 9457). Type is "about:blank"-like: the
// Code says what it is, and is stable.
type Problem struct {
	Type   string `json:"type"`
	Title  string `json:"title"`
	Status int    `json:"status"`
	Detail string `json:"detail"`
	// Code is the auth.Code.
	Code string `json:"code"`
	// Field names the input that is wrong.
	Field string `json:"field,omitempty"`
	// Reference finds the request in the log.
	Reference string `json:"reference,omitempty"`
}

// FailProblem answers an error with a problem document.
func FailProblem(w http.ResponseWriter, r *http.Request, err error) {
	refused := auth.AsError(err)
	p := Problem{
		Type: "about:blank", Status: Status(err), Detail: refused.Text(), Code: string(refused.Code),
		Field: refused.Field, Reference: FactsFrom(r.Context()).RequestID,
	}
	p.Title = http.StatusText(p.Status)
	SetRetryAfter(w.Header(), refused)
	body, _ := json.Marshal(p) // strings and a number: cannot fail
	w.Header().Set("Content-Type", "application/problem+json; charset=utf-8")
	w.WriteHeader(p.Status)
	_, _ = w.Write(append(body, '\n'))
}

// SetRetryAfter tells in whole seconds when to come back, if waiting helps
// (RFC 9110 §10.2.3).
func SetRetryAfter(h http.Header, e *auth.Error) {
	wait := e.RetryAfter
	if wait <= 0 && e.Code.Kind() == auth.KindUnavailable {
		wait = time.Second
	}
	if wait > 0 {
		h.Set("Retry-After", strconv.Itoa(int(math.Ceil(wait.Seconds()))))
	}
}

// WriteJSON answers with a JSON body. v must be marshalable.
func WriteJSON(w http.ResponseWriter, status int, v any) error {
	body, err := json.Marshal(v)
	if err != nil {
		return auth.NewError(auth.CodeInternal, err)
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(body)
	return nil
}
