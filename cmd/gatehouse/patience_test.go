package main

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gatehouse-auth/gatehouse"
)

// absent is the error of a database server that is not there.
func absent(t *testing.T) error {
	t.Helper()
	g, err := gatehouse.New(t.Context(), gatehouse.Config{
		PublicOrigin: "http://localhost:3000", Secrets: []gatehouse.Secret{"t5Hk2XvQ8mRz7LcW4pNd9YbJ6gFs3EuA-own"},
		Database: gatehouse.Database{URL: "postgres://nobody@127.0.0.1:1/nothing"}, Logger: slog.New(slog.DiscardHandler),
		Mounts: []gatehouse.Mount{{Secrets: []gatehouse.Secret{"Qm7xW2vK9sTf4RbYc6HjN8zLd3GpEu5A-app"}}},
	})
	if err == nil {
		g.Close()
		t.Fatal("there is a database on port 1")
	}
	return err
}

func TestPatiently_waitsAMinuteForADatabaseThatIsAwayAndForNothingElse(t *testing.T) {
	away, wrong := absent(t), errors.New("the schema is newer")
	for name, tt := range map[string]struct {
		comesAfter time.Duration // zero: never
		err        error
		wants      error
		waits      time.Duration
		tells      int
	}{
		"it never comes":  {0, away, away, waitForDatabase, 1},
		"it comes":        {30 * time.Second, away, nil, 30 * time.Second, 1},
		"it is there":     {time.Nanosecond, nil, nil, 0, 0},
		"waiting is vain": {0, wrong, wrong, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var log bytes.Buffer
				begun := time.Now()
				open := func(context.Context, gatehouse.Config) (*gatehouse.Gatehouse, error) {
					if tt.err == nil || tt.comesAfter > 0 && time.Since(begun) >= tt.comesAfter {
						return nil, nil
					}
					return nil, tt.err
				}
				_, err := patiently(t.Context(), gatehouse.Config{Logger: slog.New(slog.NewTextHandler(&log, nil))}, open)
				took := time.Since(begun)
				if !errors.Is(err, tt.wants) || took < tt.waits || took > tt.waits+2*time.Second {
					t.Errorf("%v after %v, want %v after %v", err, took, tt.wants, tt.waits)
				}
				if got := strings.Count(log.String(), "trying again"); got != tt.tells {
					t.Errorf("it told %d times, want %d:\n%s", got, tt.tells, log.String())
				}
			})
		})
	}
}

func TestPatiently_endsWhenItIsToldTo(t *testing.T) {
	away := absent(t)
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		begun := time.Now()
		_, err := patiently(ctx, gatehouse.Config{Logger: slog.New(slog.DiscardHandler)}, func(context.Context, gatehouse.Config) (*gatehouse.Gatehouse, error) { return nil, away })
		if err == nil || time.Since(begun) > 6*time.Second {
			t.Errorf("%v after %v", err, time.Since(begun))
		}
	})
}
