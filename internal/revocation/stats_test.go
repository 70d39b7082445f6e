package revocation_test

import (
	"testing"
	"time"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/revocation"
)

func TestIndex_bytesGrowWithItsTables(t *testing.T) {
	x := revocation.NewIndex()
	if n := x.Bytes(); n != 0 {
		t.Errorf("an empty index takes %d bytes", n)
	}
	now := time.Now()
	for range 1000 {
		x.Apply(auth.Change{Kind: auth.ChangeSessionEnded, SessionID: auth.NewSessionID(now), At: now, Until: now.Add(time.Hour)})
	}
	// At most half full, so at least 64 bytes for each; and never less than 16
	// slots in each of the 64 tables.
	if n := x.Bytes(); n < 64*x.Len() || n > 8*64*x.Len() || n%32 != 0 {
		t.Errorf("%d bytes for %d entries of 32", n, x.Len())
	}
}
