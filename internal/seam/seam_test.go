package seam_test

import (
	"strings"
	"testing"

	"github.com/gatehouse-auth/gatehouse/internal/password"
	"github.com/gatehouse-auth/gatehouse/internal/seam"
)

// Nothing but a context made for it brings hashes that cost nothing.
func TestHasher_isTheServersOwnUnlessATestWantsAnother(t *testing.T) {
	own, err := password.New(password.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if seam.Hasher(t.Context(), own) != own || seam.Hasher(seam.With(t.Context(), seam.Seams{}), own) != own {
		t.Error("another hasher than the settings have made")
	}
	made, err := seam.Hasher(seam.With(t.Context(), seam.Seams{CheapHashes: true}), own).Hash(t.Context(), "quiet lanterns drift over seven hills")
	if err != nil || !strings.Contains(made, "$m=8,t=1,p=1$") {
		t.Fatalf("%s %v", made, err)
	}
	if m, err := own.Verify(t.Context(), made, "quiet lanterns drift over seven hills"); err != nil || !m.OK || !m.NeedsRehash {
		t.Errorf("the server's own says %+v %v of a cheap hash, want that it must be replaced", m, err)
	}
}
