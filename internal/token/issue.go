package token

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/store"
)

// tolerance is added to the life of feed rows: verifiers tolerate some seconds,
// and clocks differ.
const tolerance = 5 * time.Minute

// maxPerSession is how many families that end with their session hang from one
// at once; the oldest ends for another. A page that asks again and again makes
// no more rows than this, and ends no family of another device.
const maxPerSession = 10

// Demand is what somebody asks for.
type Demand struct {
	// Client is from [Room.Authenticate].
	Client Client
	// Audience is empty for the first one.
	Audience string
	// Scope is a list with single blanks between. RFC 6749 §3.3.
	Scope string
	// WithoutRefresh asks for an access token alone: nothing is stored.
	WithoutRefresh bool
}

// Plan is a Demand that can be met, whoever the user turns out to be.
type Plan struct {
	issuer   *Issuer
	audience Audience
	client   Client
	scopes   []string
	offline  bool
	refresh  bool
}

// Grant is what a client gets.
type Grant struct {
	Access string
	// ExpiresIn is how long Access lives, in whole seconds.
	ExpiresIn time.Duration
	// Refresh is empty when there is none.
	Refresh auth.Secret
	Scopes  []string
	// UserID and SessionID name whose it is, for the log.
	UserID    auth.UserID
	SessionID auth.SessionID
}

// Plan judges a demand before anybody is known, so that its refusals tell
// nothing of users. Codes: invalid_target, invalid_scope.
func (i *Issuer) Plan(d Demand) (Plan, error) {
	p := Plan{issuer: i, client: d.Client, refresh: !d.WithoutRefresh}
	name := d.Audience
	if name == "" && len(d.Client.Audiences) > 0 {
		name = d.Client.Audiences[0]
	}
	var known bool
	if p.audience, known = i.audience(name); !known || !d.Client.may(p.audience.ID) {
		return Plan{}, &auth.Error{Code: auth.CodeInvalidTarget, Field: "audience"}
	}
	for _, scope := range strings.Fields(d.Scope) {
		switch {
		case slices.Contains(p.scopes, scope):
		case scope == OfflineAccess:
			p.offline = p.refresh
			if p.refresh {
				p.scopes = append(p.scopes, scope)
			}
		case slices.Contains(p.audience.Scopes, scope):
			p.scopes = append(p.scopes, scope)
		default:
			return Plan{}, &auth.Error{Code: auth.CodeInvalidScope, Field: "scope"}
		}
	}
	return p, nil
}

// online is the plan without offline_access: a session alone is no reason for a
// family that outlives it. Whoever got hold of a page for a moment, and not of
// the password, keeps nothing beyond the next sign-out.
func (p Plan) online() Plan {
	p.offline = false
	p.scopes = slices.DeleteFunc(slices.Clone(p.scopes), func(s string) bool { return s == OfflineAccess })
	return p
}

// Begin inserts the family of a session that begins in the same transaction.
// Without refresh token there is none, and the ID alone is returned: tokens can
// be revoked by it all the same. Code: changed_meanwhile.
func (p Plan) Begin(ctx context.Context, tx store.Tx, u auth.User, s auth.Session) (auth.Family, error) {
	i := p.issuer
	now := i.now()
	f := auth.Family{
		ID: auth.NewFamilyID(now), UserID: u.ID, SessionID: s.ID, Subject: s.Subject, ClientID: p.client.ID, Mount: i.Mount,
		Audiences: []string{p.audience.ID}, Scopes: p.scopes, Offline: p.offline, Epoch: s.Epoch, Methods: s.Methods,
		KeyID: i.roots.current(), Salt: newSalt(), Generation: 1, RotatedAt: now, ProvenAt: s.CreatedAt, CreatedAt: now,
		AbsoluteEnd: now.Add(i.Absolute),
	}
	if !p.offline && s.AbsoluteEnd.Before(f.AbsoluteEnd) {
		f.AbsoluteEnd = s.AbsoluteEnd
	}
	if !p.refresh {
		return f, nil
	}
	if err := tx.InsertFamily(ctx, f); errors.Is(err, store.ErrConflict) {
		return f, auth.NewError(auth.CodeChanged, err)
	} else if err != nil {
		return f, fmt.Errorf("insert family: %w", err)
	}
	if err := i.endSurplus(ctx, tx, f, now); err != nil {
		return f, err
	}
	return f, tx.AppendEvent(ctx, event(auth.EventFamilyStarted, f, now))
}

func newSalt() []byte {
	salt := make([]byte, 32)
	rand.Read(salt) // never fails, see crypto/rand
	return salt
}

// endSurplus ends the oldest families beyond the limits. Those of a session and
// those that outlive theirs do not push each other out.
func (i *Issuer) endSurplus(ctx context.Context, tx store.Tx, begins auth.Family, now time.Time) error {
	live, err := tx.ListFamilies(ctx, begins.UserID, now)
	if err != nil {
		return fmt.Errorf("list families: %w", err)
	}
	room := maxPerSession
	if begins.Offline {
		room = i.MaxPerUser
	}
	room-- // for the one that begins
	for _, f := range live {
		if f.ID == begins.ID || f.Offline != begins.Offline || !f.Offline && f.SessionID != begins.SessionID {
			continue
		}
		if room--; room >= 0 {
			continue
		}
		if err := i.end(ctx, tx, f, auth.EndSuperseded, now); err != nil && !errors.Is(err, errEnded) {
			return err
		}
	}
	return nil
}

// Issue makes the tokens of a family that [Plan.Begin] has begun.
func (p Plan) Issue(ctx context.Context, u auth.User, f auth.Family) (Grant, error) {
	i := p.issuer
	out := Grant{Scopes: p.scopes, UserID: f.UserID, SessionID: f.SessionID}
	var err error
	if out.Access, out.ExpiresIn, err = i.access(ctx, p.grant(u, f), i.now()); err != nil {
		return Grant{}, err
	}
	if p.refresh {
		first, _ := i.roots.token(f, f.KeyID, f.Generation) // the key is the one it was begun with
		out.Refresh = auth.Secret(first.text())
	}
	return out, nil
}

func (p Plan) grant(u auth.User, f auth.Family) grant {
	return grant{
		audience: p.audience, client: p.client.name(), scopes: p.scopes, epoch: f.Epoch, family: f.ID, end: f.AbsoluteEnd,
		subject: subjectOf(u, f),
	}
}

func subjectOf(u auth.User, f auth.Family) Subject {
	known := f.Subject
	if known == "" {
		known = string(u.ID)
	}
	return Subject{User: u, Known: known, SessionID: f.SessionID, ProvenAt: f.ProvenAt, Methods: f.Methods}
}

// FromSession issues tokens to whoever has a live session, which was checked
// before. epoch is the session's. There is no offline_access for a session
// alone; the Grant says what there is. Codes: signed_out (it ended meanwhile, or
// the user was voided), too_many_attempts, unavailable.
func (p Plan) FromSession(ctx context.Context, id auth.SessionID, epoch int64) (Grant, error) {
	p = p.online()
	i := p.issuer
	if err := i.limited(ctx, string(id), perSession, i.now()); err != nil {
		return Grant{}, err
	}
	var u auth.User
	var f auth.Family
	begin := func(tx store.Tx) error {
		s, user, err := tx.SessionAndUser(ctx, id)
		if err != nil {
			return err
		}
		u = user
		if !s.EndedAt.IsZero() || u.Disabled() || u.Epoch != epoch || s.Epoch != epoch {
			return store.ErrNotFound
		}
		f, err = p.Begin(ctx, tx, u, s)
		return err
	}
	var err error
	if p.refresh {
		err = i.Store.InTx(ctx, begin)
	} else {
		err = begin(i.Store) // reads alone
	}
	switch {
	case errors.Is(err, store.ErrNotFound), errors.Is(err, auth.CodeChanged):
		return Grant{}, auth.NewError(auth.CodeSignedOut, err)
	case err != nil:
		return Grant{}, auth.Unavailable(fmt.Errorf("begin a family: %w", err))
	case i.void(f):
		return Grant{}, auth.NewError(auth.CodeSignedOut, errEnded)
	}
	return p.Issue(ctx, u, f)
}

// errEnded: it ended while the work was done, by the index or by the row.
var errEnded = errors.New("ended meanwhile")

// void says whether the index knows that nothing of the family counts any more.
func (r *Room) void(f auth.Family) bool {
	family, err := f.ID.UUID()
	user, err2 := f.UserID.UUID()
	if err != nil || err2 != nil || r.Index.FamilyEnded(family) {
		return true
	}
	if least, known := r.Index.User(user); known && f.Epoch < least.Epoch {
		return true
	}
	return !f.Offline && r.sessionEnded(f.SessionID)
}

func (r *Room) sessionEnded(id auth.SessionID) bool {
	key, err := id.UUID()
	if err != nil {
		return id != ""
	}
	_, over := r.Index.SessionEnded(key)
	return over
}

// end marks a family ended, writes the feed and the audit record. One that has a
// row and was ended by somebody faster is theirs: whoever ends a family announces
// it in the same transaction. That is errEnded.
func (r *Room) end(ctx context.Context, tx store.Tx, f auth.Family, reason auth.EndReason, now time.Time) error {
	switch err := tx.EndFamily(ctx, f.ID, reason, now); {
	case errors.Is(err, store.ErrNotFound) && len(f.Salt) > 0:
		return errEnded
	case err != nil && !errors.Is(err, store.ErrNotFound):
		return fmt.Errorf("end family: %w", err)
	}
	if err := r.announceEnd(ctx, tx, f.ID, f.AbsoluteEnd, now); err != nil {
		return err
	}
	if r.Ended != nil && f.SessionID != "" {
		if err := r.Ended(ctx, tx, f, now); err != nil {
			return err
		}
	}
	e := event(auth.EventFamilyEnded, f, now)
	e.Detail = string(reason)
	return tx.AppendEvent(ctx, e)
}

// announceEnd writes the feed alone, also for an ID that has no row.
func (r *Room) announceEnd(ctx context.Context, tx store.Tx, id auth.FamilyID, end, now time.Time) error {
	_, err := tx.AppendChange(ctx, auth.Change{Kind: auth.ChangeFamilyEnded, FamilyID: id, At: now, Until: end.Add(tolerance)})
	if err != nil {
		return fmt.Errorf("announce the end of a family: %w", err)
	}
	return nil
}

// event is of the family.
func event(t auth.EventType, f auth.Family, now time.Time) auth.Event {
	return auth.Event{
		ID: auth.NewEventID(now), At: now, Type: t, Actor: string(f.UserID), UserID: f.UserID, SessionID: f.SessionID,
		Subject: auth.SubjectOf(auth.SubjectFamily, string(f.ID)), Client: cmp.Or(f.ClientID, f.Mount),
	}
}

// Start is a family that begins together with its session, at a sign-in.
type Start struct {
	Plan
	user   auth.User
	family auth.Family
}

// Within begins the family in the transaction of the session's row.
func (s *Start) Within(ctx context.Context, tx store.Tx, u auth.User, row auth.Session) (err error) {
	s.user = u
	s.family, err = s.Begin(ctx, tx, u, row)
	return err
}

// Issue makes the tokens once the transaction has succeeded.
func (s *Start) Issue(ctx context.Context) (Grant, error) { return s.Plan.Issue(ctx, s.user, s.family) }
