package token

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/jwt"
	"github.com/gatehouse-auth/gatehouse/internal/rbac"
	"github.com/gatehouse-auth/gatehouse/internal/seal"
	"github.com/gatehouse-auth/gatehouse/internal/store"
)

// MaxAccessToken is the length in bytes beyond which an access token is refused
// unread. Ours have less than 2 KiB, unless a mapping fills them.
const MaxAccessToken = 8 << 10

// skew is how far the clocks of two nodes may differ when they judge a token
// that one of them made. Its end is judged without it: sooner is safer.
const skew = 30 * time.Second

// Access is an access token that was found good.
type Access struct {
	User, Session, Family [16]byte
	// Epoch and Version are the user's, as of the proof and as of Roles.
	Epoch, Version int64
	// Known is the claim sub.
	Known, ID, Issuer string
	Client            string
	Audience          []string
	Scopes, Roles     []string
	KeyID             string
	// IssuedAt, NotBefore, ExpiresAt and ProvenAt are whole Unix seconds; zero is
	// none.
	IssuedAt, NotBefore, ExpiresAt, ProvenAt int64
}

// UserID is the user's identifier in text form.
func (a *Access) UserID() auth.UserID { return auth.UserIDFromUUID(a.User) }

// SessionID is the session's identifier in text form; empty when there is none.
func (a *Access) SessionID() auth.SessionID {
	if a.Session == [16]byte{} {
		return ""
	}
	return auth.SessionIDFromUUID(a.Session)
}

// FamilyID is the family's identifier in text form.
func (a *Access) FamilyID() auth.FamilyID { return auth.FamilyIDFromUUID(a.Family) }

// Offline says whether the token outlives its session.
func (a *Access) Offline() bool { return slices.Contains(a.Scopes, OfflineAccess) }

// Principal is who asks with it. A token that was asked for with a permission
// among its scopes may do what its scopes say, as far as the user's roles allow
// it, and holds none of these roles itself.
func (a *Access) Principal() auth.Principal {
	p := auth.Principal{
		UserID: a.UserID(), SessionID: a.SessionID(), Roles: a.Roles, SignedInAt: time.Unix(a.ProvenAt, 0).UTC(),
		ClientID: a.Client, Scopes: a.Scopes,
	}
	if slices.ContainsFunc(a.Scopes, rbac.IsPattern) {
		p.Roles, p.NarrowedRoles = nil, a.Roles
	}
	return p
}

func (a *Access) client() string {
	if a.Client == FirstParty {
		return ""
	}
	return a.Client
}

func (a *Access) end() time.Time { return time.Unix(a.ExpiresAt, 0) }

// Check says who asks with an access token that is for Gatehouse itself: for the
// issuer of one of the mounts, or an audience that is its own. Codes:
// invalid_token, whatever is wrong with it; unavailable, when nothing can be
// said.
//
// A token that was found good before is not verified again: it is known by its
// SHA-256. What may have ended is asked of the index each time (guarantees R8),
// and when the user's row has changed since the token was made, it is read.
func (r *Room) Check(ctx context.Context, text string) (*Access, error) {
	a, err := r.check(ctx, text)
	r.counts.check(err)
	return a, err
}

func (r *Room) check(ctx context.Context, text string) (*Access, error) {
	if len(text) > MaxAccessToken {
		return nil, invalid(jwt.TooLong)
	}
	now := r.now()
	if err := r.fresh(); err != nil {
		return nil, err
	}
	sum := fingerprint(text)
	known := r.cache.find(sum)
	a := known
	if a == nil {
		i, err := r.issuerOf(text)
		if err != nil {
			return nil, err
		}
		if a, err = i.verify(text, i.own()); err != nil {
			return nil, err
		}
	}
	a, err := r.current(ctx, a, now)
	if err == nil && a != known {
		r.cache.keep(sum, a)
	}
	return a, err
}

// issuerOf finds whose token it claims to be. Nothing is believed by it: the
// issuer then verifies, and compares.
func (r *Room) issuerOf(text string) (*Issuer, error) {
	if len(r.issuers) == 1 {
		return r.issuers[0], nil
	}
	_, rest, _ := strings.Cut(text, ".")
	payload, _, _ := strings.Cut(rest, ".")
	if claims, ok := seal.AppendDecode(nil, payload); ok {
		var name string
		_ = seal.Scan(claims, func(n, raw []byte) error {
			if string(n) == "iss" {
				name, _ = seal.String(raw)
			}
			return nil
		})
		for _, i := range r.issuers {
			if i.URL == name {
				return i, nil
			}
		}
	}
	return nil, invalid(jwt.WrongIssuer)
}

// current judges a verified token by what may have changed since.
func (r *Room) current(ctx context.Context, a *Access, now time.Time) (*Access, error) {
	switch {
	case now.Unix() >= a.ExpiresAt:
		return nil, invalid(jwt.Expired)
	case !r.Keys.Knows(a.KeyID):
		return nil, invalid(jwt.UnknownKey)
	case r.Index.FamilyEnded(a.Family):
		return nil, invalid(errRevoked)
	}
	if _, over := r.Index.SessionEnded(a.Session); over && !a.Offline() {
		return nil, invalid(errRevoked)
	}
	least, known := r.Index.User(a.User)
	if known && a.Epoch < least.Epoch {
		return nil, invalid(errRevoked)
	}
	if r.Index.DoubtsFamily(a.Family) || r.Index.Doubts(a.Session, a.User) {
		if err := r.settle(ctx, a); err != nil {
			return nil, err
		}
		return r.reload(ctx, a, least.Version)
	}
	if known && a.Version < least.Version {
		return r.reload(ctx, a, least.Version)
	}
	return a, nil
}

// settle asks the store what the index, being full, cannot say of the family
// and of the session (guarantees R19). What it cannot say of the user, reload
// asks.
func (r *Room) settle(ctx context.Context, a *Access) error {
	if a.Family != ([16]byte{}) {
		f, err := r.Store.Family(ctx, auth.FamilyIDFromUUID(a.Family))
		if errors.Is(err, store.ErrNotFound) || err == nil && !f.EndedAt.IsZero() {
			return invalid(errRevoked)
		}
		if err != nil {
			return auth.Unavailable(fmt.Errorf("read a family that the full index has doubts of: %w", err))
		}
	}
	if a.Session != ([16]byte{}) && !a.Offline() {
		s, err := r.Store.Session(ctx, auth.SessionIDFromUUID(a.Session))
		if errors.Is(err, store.ErrNotFound) || err == nil && !s.EndedAt.IsZero() {
			return invalid(errRevoked)
		}
		if err != nil {
			return auth.Unavailable(fmt.Errorf("read a session that the full index has doubts of: %w", err))
		}
	}
	return nil
}

var errRevoked = errors.New("token: revoked")

// reload reads the user's row because the token is older than it. A row older
// than the feed says is not taken for the truth.
func (r *Room) reload(ctx context.Context, a *Access, least int64) (*Access, error) {
	u, err := r.Store.User(ctx, a.UserID())
	switch {
	case errors.Is(err, store.ErrNotFound):
		return nil, invalid(errRevoked)
	case err != nil:
		return nil, auth.Unavailable(fmt.Errorf("reload changed user: %w", err))
	case u.Version < least:
		return nil, auth.Unavailable(errors.New("the user's row is older than the change feed"))
	case u.Disabled() || a.Epoch < u.Epoch:
		return nil, invalid(errRevoked)
	}
	anew := *a
	anew.Version, anew.Roles = u.Version, u.Roles
	return &anew, nil
}

// invalid is the one answer to every access token that is not good; why is for
// the log.
func invalid(why error) error { return auth.NewError(auth.CodeInvalidToken, why) }

// everyAudience is all that a token of ours may be for.
func (i *Issuer) everyAudience() []string {
	names := []string{i.URL}
	for _, a := range i.Audiences {
		if a.ID != "" {
			names = append(names, a.ID)
		}
	}
	return names
}

// isShared says whether the token claims to be signed with a shared secret. It
// proves nothing either way.
func (i *Issuer) isShared(text string) bool {
	head, _, _ := strings.Cut(text, ".")
	if len(head) > 512 {
		return false
	}
	header, ok := seal.AppendDecode(nil, head)
	shared := false
	if ok {
		_ = seal.Scan(header, func(name, raw []byte) error {
			if alg, _ := seal.String(raw); string(name) == "alg" {
				shared = strings.HasPrefix(alg, "HS")
			}
			return nil
		})
	}
	return shared
}

func (i *Issuer) sharedKey(a Audience) *jwt.Key {
	if !a.Shared() {
		return nil
	}
	if a.ID == i.URL {
		return i.shared[""]
	}
	return i.shared[a.ID]
}

// verify judges signature, type, issuer, audience and times (RFC 8725), and
// reads what Gatehouse itself put into the token. The keys of the keyring alone
// count: a token under a shared secret, which its application can make as well,
// is never good here.
func (i *Issuer) verify(text string, audience []string) (*Access, error) {
	c, err := i.Keys.Verify(text, jwt.Expect{
		Issuer: i.URL, Audience: audience, Types: []string{typ}, Now: i.now(), Skew: skew,
	})
	switch {
	case errors.Is(err, jwt.ErrToken):
		return nil, invalid(err)
	case err != nil:
		return nil, err
	}
	a := &Access{
		Known: c.Subject, ID: c.ID, Issuer: c.Issuer, Audience: c.Audience, KeyID: c.KeyID, ExpiresAt: c.ExpiresAt.Unix(),
	}
	if !c.IssuedAt.IsZero() {
		a.IssuedAt = c.IssuedAt.Unix()
	}
	if !c.NotBefore.IsZero() {
		a.NotBefore = c.NotBefore.Unix()
	}
	if err := a.read(c.JSON); err != nil {
		return nil, invalid(err)
	}
	return a, nil
}

// errClaims: the keyring's key has signed something that is no access token of
// this version.
var errClaims = errors.New("token: signed by us, and not an access token")

// read takes Gatehouse's own claims.
func (a *Access) read(claims []byte) error {
	var user, session, family string
	hasEpoch, hasVersion := false, false
	err := seal.Scan(claims, func(name, raw []byte) error {
		ok := true
		switch string(name) {
		case "uid":
			user, ok = seal.String(raw)
		case "sid":
			session, ok = seal.String(raw)
		case "fam":
			family, ok = seal.String(raw)
		case "client_id":
			a.Client, ok = seal.String(raw)
		case "epoch":
			a.Epoch, hasEpoch = seal.Int(raw)
		case "ver":
			a.Version, hasVersion = seal.Int(raw)
		case "auth_time":
			a.ProvenAt, ok = seal.Int(raw)
		case "scope":
			var text string
			text, ok = seal.String(raw)
			a.Scopes = strings.Fields(text)
		case rolesClaim:
			a.Roles, ok = texts(raw)
		}
		if !ok {
			return errClaims
		}
		return nil
	})
	if err != nil || !hasEpoch || !hasVersion {
		return errClaims
	}
	if user == "" {
		user = a.Known
	}
	if a.User, err = auth.UserID(user).UUID(); err != nil {
		return errClaims
	}
	if a.Family, err = auth.FamilyID(family).UUID(); err != nil {
		return errClaims
	}
	if session == "" {
		return nil
	}
	if a.Session, err = auth.SessionID(session).UUID(); err != nil {
		return errClaims
	}
	return nil
}
