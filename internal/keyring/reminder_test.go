package keyring_test

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"

	"github.com/gatehouse-auth/gatehouse/internal/keyring"
)

// Who replaces a secret is told what it still opens, once, and not when all is
// sealed anew.
func TestLoad_saysThatAnOlderSecretIsStillNeeded(t *testing.T) {
	s := newSite(t)
	reminders := func() int {
		var log bytes.Buffer
		r := s.ring(masters(otherMaster, master), func(o *keyring.Options) { o.Logger = slog.New(slog.NewTextHandler(&log, nil)) })
		for range 2 {
			s.ok("load", r.Load(t.Context()))
		}
		return strings.Count(log.String(), "run gatehouse key reseal")
	}
	s.prepared()
	if n := reminders(); n != 1 {
		t.Errorf("with a new secret first: %d reminders, want 1", n)
	}
	_, err := s.prepared(masters(otherMaster, master)).Reseal(t.Context())
	s.ok("reseal", err)
	if n := reminders(); n != 0 {
		t.Errorf("sealed anew: %d reminders, want none", n)
	}
}
