package web_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/web"
)

// limited is a router with one endpoint, which gives every request five seconds.
func limited(t *testing.T, log *strings.Builder, handle web.HandlerFunc) *web.Router {
	t.Helper()
	rt, err := web.NewRouter([]web.Endpoint{{
		Method: "*", Pattern: "/here", Guard: web.Public, CSRF: web.NoEffect, Rate: web.Unlimited, Cache: web.NoStore, Handle: handle, Fail: web.FailProblem,
	}}, web.RouterOptions{Logger: slog.New(slog.NewTextHandler(log, nil)), Deadline: 5 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	return rt
}

// A request that waits for something that hangs is answered 503 when its time is
// over, with the cause in the log alone.
func TestRouter_givesUpARequestThatWaitsForTooLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log strings.Builder
		rt := limited(t, &log, func(_ http.ResponseWriter, r *http.Request) error {
			if web.FactsFrom(r.Context()).RequestID == "" {
				t.Error("no facts")
			}
			select { // as a call on the store waits
			case <-r.Context().Done():
				return auth.Unavailable(r.Context().Err())
			case <-time.After(time.Minute):
				return errors.New("nobody gave up")
			}
		})
		begun, w := time.Now(), httptest.NewRecorder()
		rt.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/here", nil))
		if took := time.Since(begun); w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" || took != 5*time.Second {
			t.Errorf("%d %v after %v", w.Code, w.Header(), took)
		}
		if !strings.Contains(log.String(), context.DeadlineExceeded.Error()) || strings.Contains(w.Body.String(), "deadline") {
			t.Errorf("the log has %s, the answer %s", log.String(), w.Body.String())
		}
	})
}

// What is derived from a request's context ends with it, and with the request;
// the time counts from the first wait.
func TestRouter_countsFromTheFirstWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log strings.Builder
		var kept context.Context
		rt := limited(t, &log, func(w http.ResponseWriter, r *http.Request) error {
			time.Sleep(time.Hour) // the body arrives
			if r.Context().Err() != nil {
				t.Error("over before anything was waited for")
			}
			below, cancel := context.WithTimeout(r.Context(), time.Minute)
			defer cancel()
			if by, ok := below.Deadline(); !ok || time.Until(by) != 5*time.Second {
				t.Errorf("a call on the store may wait until %v", by)
			}
			time.Sleep(6 * time.Second)
			if below.Err() != context.DeadlineExceeded || r.Context().Err() != context.DeadlineExceeded {
				t.Errorf("%v, %v", below.Err(), r.Context().Err())
			}
			kept = r.Context()
			return web.WriteJSON(w, http.StatusOK, "in time all the same")
		})
		w := httptest.NewRecorder()
		rt.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/here", nil))
		if w.Code != http.StatusOK {
			t.Errorf("an answer that was ready is withheld: %d", w.Code)
		}
		select {
		case <-kept.Done():
		default:
			t.Error("what the request began goes on after it")
		}
	})
}

// A caller who goes away ends the wait at once.
func TestRouter_passesOnThatTheCallerHasGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log strings.Builder
		ctx, cancel := context.WithCancel(t.Context())
		rt := limited(t, &log, func(_ http.ResponseWriter, r *http.Request) error {
			go cancel()
			<-r.Context().Done()
			return auth.Unavailable(context.Cause(r.Context()))
		})
		begun := time.Now()
		rt.ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(ctx, http.MethodGet, "/here", nil))
		if time.Since(begun) != 0 || strings.Contains(log.String(), "level=ERROR") {
			t.Errorf("after %v: %s", time.Since(begun), log.String())
		}
	})
}
