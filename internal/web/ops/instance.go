package ops

import (
	"net/http"
	"time"

	"github.com/gatehouse-auth/gatehouse/internal/web"
)

// Instance says which server answers, for "gatehouse doctor".
type Instance struct {
	// Program is always "gatehouse".
	Program string `json:"program"`
	Version string `json:"version"`
	PID     int    `json:"pid"`
	// Started is when the server was, Now the time by its clock.
	Started time.Time `json:"started"`
	Now     time.Time `json:"now"`
	// Settings has for each setting a keyed digest of the value that the
	// server was started with. Whoever has Gatehouse's own secret can compare
	// them with what the files say now; nobody can read a value from them.
	Settings map[string]string `json:"settings"`
}

// DoctorEndpoints returns GET /instance and GET /probes/{nonce}.
func DoctorEndpoints(instance func() Instance, find func(nonce string) []Seen) []web.Endpoint {
	get := func(pattern string, answer func(r *http.Request) any) web.Endpoint {
		return web.Endpoint{
			Method: http.MethodGet, Pattern: pattern, Guard: web.Operator, CSRF: web.SafeMethod, Rate: web.Unlimited, Cache: web.NoStore, Fail: web.FailProblem,
			Handle: func(w http.ResponseWriter, r *http.Request) error { return web.WriteJSON(w, http.StatusOK, answer(r)) },
		}
	}
	return []web.Endpoint{
		get("/instance", func(*http.Request) any {
			i := instance()
			i.Program = "gatehouse"
			return i
		}),
		get("/probes/{nonce}", func(r *http.Request) any {
			return append([]Seen{}, find(r.PathValue("nonce"))...)
		}),
	}
}
