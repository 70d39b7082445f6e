package session

import (
	"context"
	"slices"
	"time"

	"github.com/gatehouse-auth/gatehouse/auth"
)

// carrier is what a browser holds of a session: it turns one into the text of a
// cookie and back. A [Mount] has one, by configuration:
//
//	sealed  sealed.go  the token of Auth.js, which the application reads
//	iron    iron.go    the seal of iron-session, which the application reads and
//	                   writes
//	stored  stored.go  an ID and a secret; all else is in the row, and a copy of
//	                   it in memory
//
// All that a session may do is decided above them, in the same words for each.
type carrier interface {
	// begin prepares the row of a session that is about to be inserted. members
	// are what its row carries on from another one.
	begin(b *Begun, u auth.User, members []member)
	// open says whose words the text are, and of Gatehouse's what they say; the
	// Verdict is the best that is still possible. It asks no index, but for what
	// a copy of a row must have at least. The error is an *auth.Error of
	// KindUnavailable.
	open(ctx context.Context, text string, now time.Time) (Checked, sealedBy, error)
	// seal returns the text for a session with the claims c, whose IdleEnd has
	// been moved.
	seal(ctx context.Context, s *Checked, c Claims, now time.Time) (string, error)
	// peek says what the text says by itself; see [Mount.Hint].
	peek(text string, now time.Time) (Hint, bool)
}

// sealedBy says whose words a cookie carries.
type sealedBy uint8

const (
	// nobody: it does not open.
	nobody sealedBy = iota
	// pretender: it carries facts that are not ours.
	pretender
	// settled: the verdict is final.
	settled
	// application: whoever has the application's secret, and nobody else.
	application
	// gatehouse: it carries our facts.
	gatehouse
)

// Begun is a session whose row has been inserted, or is about to be, on its way
// to its first cookie.
type Begun struct {
	auth.Session
	// token is the text of the cookie where that is made with the row.
	token string
}

// factsReader picks out of a token's claims what a check decides by.
type factsReader struct{ gh, name, email, picture, subject []byte }

func (r *factsReader) note(name, raw []byte) {
	switch string(name) {
	case factsClaim:
		r.gh = raw
	case ClaimName:
		r.name = raw
	case ClaimEmail:
		r.email = raw
	case ClaimPicture:
		r.picture = raw
	case subClaim:
		r.subject = raw
	}
}

// read says whose words the claims are.
func (r *factsReader) read(m *Mount, claims []byte) (Checked, sealedBy) {
	if r.gh == nil {
		return Checked{claims: claims}, application
	}
	f, err := m.keys.open(unquoted(r.gh), m.name)
	if err != nil {
		return Checked{}, pretender
	}
	altered := f.Shown != shownOf(r.name, r.email, r.picture, r.subject)
	return Checked{Facts: f, Verdict: Live, claims: claims, altered: altered}, gatehouse
}

// gains says whether now has a role that before lacks.
func gains(before, now []string) bool {
	return slices.ContainsFunc(now, func(role string) bool { return !slices.Contains(before, role) })
}
