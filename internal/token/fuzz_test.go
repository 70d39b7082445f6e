package token_test

import (
	"strings"
	"testing"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/roomtest"
	"github.com/gatehouse-auth/gatehouse/internal/token"
)

// A refresh token has one spelling: what is read is what would be written.
func FuzzParseRefreshToken(f *testing.F) {
	family := string(auth.NewFamilyID(roomtest.Start))
	secret := strings.Repeat("A", 43)
	for _, seed := range []string{
		"", ".", "..", family, family + ".1." + secret, family + ".9007199254740991." + secret, family + ".9007199254740992." + secret, family + ".0." + secret,
		family + ".01." + secret, family + ".-1." + secret, family + ".+1." + secret, family + ".1." + secret + "=", family + ".1." + secret[:42] + "B",
		family + ".1." + secret[:42], family + ".1." + secret + ".", "FAM" + family[3:] + ".1." + secret, "ses" + family[3:] + ".1." + secret, family + ".1e1." + secret,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		id, n, again, ok := token.RefreshTokenParts(text)
		if !ok {
			return
		}
		if again != text {
			t.Errorf("%q is read as %q", text, again)
		}
		if _, err := id.UUID(); err != nil || n < 1 {
			t.Errorf("%q has family %q and n %d", text, id, n)
		}
	})
}

func TestParseRefreshToken_readsWhatIsHandedOut(t *testing.T) {
	s := newSite(t)
	g := s.grant(own)
	id, n, again, ok := token.RefreshTokenParts(g.Refresh.Reveal())
	if !ok || n != 1 || again != g.Refresh.Reveal() || id != s.family(g.Refresh).ID {
		t.Errorf("%q %d %v", id, n, ok)
	}
}
