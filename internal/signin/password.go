package signin

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/password"
	"github.com/gatehouse-auth/gatehouse/internal/ratelimit"
	"github.com/gatehouse-auth/gatehouse/internal/session"
	"github.com/gatehouse-auth/gatehouse/internal/store"
	"github.com/gatehouse-auth/gatehouse/internal/useragent"
)

// methodPassword is the RFC 8176 name of a password.
const methodPassword = "pwd"

// account is what one read gives of an identifier: the row and the credential
// of the same moment, or neither.
type account struct {
	user       auth.User
	credential auth.Password
}

// Password is the first step: identifier and password. Unknown and known
// identifiers get the same answers after the same work. Codes:
// invalid_credentials (also for a disabled user), too_many_attempts, busy,
// unavailable, password_too_long.
func (r *Room) Password(ctx context.Context, typed string, pw auth.Secret, b Browser) (Outcome, error) {
	return r.watched(ctx, ProofPassword, func(ctx context.Context) (Outcome, error) { return r.password(ctx, typed, pw, b) })
}

func (r *Room) password(ctx context.Context, typed string, pw auth.Secret, b Browser) (Outcome, error) {
	wrong := auth.NewError(auth.CodeInvalidCredentials, nil)
	if r.Policy.TooLong(pw.Reveal()) {
		return Outcome{}, &auth.Error{Code: auth.CodePasswordTooLong, Field: "password"}
	}
	identifier, err := auth.ParseIdentifier(typed)
	if err != nil {
		return Outcome{}, wrong // nobody can have it, so there is nothing to hide
	}
	// The place in the queue comes first: a try that cannot be judged must not
	// be counted against the account, nor cost a question to the database.
	ticket, err := r.Passwords.Admit()
	if err != nil {
		return Outcome{}, password.Refusal(err)
	}
	defer ticket.Release()
	if err := r.checkSource(ctx, identifier, b); err != nil {
		return Outcome{}, unavailable("begin sign-in", err)
	}
	found, try, err := r.count(ctx, identifier, b)
	if err != nil {
		return Outcome{}, err
	}
	match, err := verify(ctx, ticket, found, pw)
	if err != nil {
		return Outcome{}, err
	}
	if !match.OK || found.user.Disabled() {
		r.recordWrong(ctx, found.user, b)
		return Outcome{}, wrong
	}
	if match.NeedsRehash {
		r.upgrade(ctx, ticket, found, pw)
	}
	a := Attempt{User: found.user, Proven: []string{methodPassword}}
	a.next(found.credential)
	return r.proceed(ctx, a, b, try, nil)
}

// checkSource refuses a flood from one source before it costs a write. A browser
// that the account knows is not held up by its source.
func (r *Room) checkSource(ctx context.Context, identifier auth.Identifier, b Browser) error {
	if b.KnownBy != "" {
		u, err := r.Store.UserByIdentifier(ctx, identifier.Value)
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return err
		}
		if r.Devices.Known(b.KnownBy, u.ID) != "" {
			return nil
		}
	}
	return r.Throttle.CheckSource(ctx, r.Store, b.Device, r.now())
}

// count reads the account and counts the try, in one transaction.
func (r *Room) count(ctx context.Context, identifier auth.Identifier, b Browser) (found account, try Try, err error) {
	now := r.now()
	err = r.Store.InTx(ctx, func(tx store.Tx) error {
		found, err = read(ctx, tx, identifier)
		if err != nil {
			return err
		}
		if err := r.Passwords.Missing(found.credential.Hash); err != nil {
			return err // no try can be judged, so none is counted
		}
		try = r.Throttle.Try(identifier, found.user, r.Devices.Known(b.KnownBy, found.user.ID), b.Device)
		return r.Throttle.Count(ctx, tx, try, now)
	})
	if errors.Is(err, auth.CodeTooManyAttempts) && r.worthRecording(ctx, try.account, now) {
		r.record(ctx, auth.EventSignInThrottled, found.user, b)
	}
	return found, try, unavailable("begin sign-in", err)
}

// unavailable turns what is no refusal into one that says that nothing was
// decided.
func unavailable(doing string, err error) error {
	var refused *auth.Error
	if err == nil || errors.As(err, &refused) {
		return err
	}
	return auth.Unavailable(fmt.Errorf("%s: %w", doing, err))
}

// sampledEvents bounds the audit record of refusals that an attacker can cause
// without end, so that they do not fill the disk: tries that were throttled, and
// guesses at identifiers that nobody has.
var sampledEvents = ratelimit.Limit{Name: "sampled-event", Burst: 5, Period: time.Minute}

// worthRecording says whether such a refusal is among the first in a while. The
// key is a counter's, or names the kind.
func (r *Room) worthRecording(ctx context.Context, key string, now time.Time) bool {
	if r.Sampling == nil {
		return true
	}
	d, err := r.Sampling.Take(ctx, key, sampledEvents, 1, now)
	return err == nil && d.Allowed
}

func read(ctx context.Context, tx store.Tx, identifier auth.Identifier) (account, error) {
	var found account
	u, err := tx.UserByIdentifier(ctx, identifier.Value)
	switch {
	case errors.Is(err, store.ErrNotFound):
	case err != nil:
		return found, err
	default:
		found.user = u
	}
	// Asked for nobody as well, so that both cost the same questions.
	found.credential, err = tx.Password(ctx, found.user.ID)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return found, err
	}
	return found, nil
}

// verify does the work of one hash, whatever was found.
func verify(ctx context.Context, ticket *password.Ticket, found account, pw auth.Secret) (password.Match, error) {
	var match password.Match
	var err error
	if found.credential.Hash == "" {
		err = ticket.VerifyNothing(ctx, pw.Reveal())
	} else {
		match, err = ticket.Verify(ctx, found.credential.Hash, pw.Reveal())
	}
	switch {
	case err == nil:
		return match, nil
	case errors.Is(err, password.ErrNotUTF8), errors.Is(err, password.ErrTooLong):
		return password.Match{}, nil // no password is such a text
	case ctx.Err() != nil, errors.Is(err, password.ErrPepperMissing):
		return match, auth.Unavailable(err)
	default:
		return match, fmt.Errorf("verify password of %s: %w", found.user.ID, err)
	}
}

// upgrade replaces a hash of an older cost or pepper. Failing to is no reason to refuse.
func (r *Room) upgrade(ctx context.Context, ticket *password.Ticket, found account, pw auth.Secret) {
	made, err := ticket.Hash(ctx, pw.Reveal())
	if err != nil {
		return
	}
	err = r.Store.ReplaceHash(ctx, found.user.ID, found.credential.Hash, made, r.now())
	if err != nil && !errors.Is(err, store.ErrConflict) && r.Logger != nil {
		r.Logger.WarnContext(ctx, "a hash of an older cost or pepper could not be replaced", "user_id", found.user.ID, "err", err)
	}
}

// proceed begins the session, or keeps the Attempt for its next step. The
// failures counted against the account are forgotten in the same transaction,
// and first, if not nil, is done in it: what a step changes is changed when the
// session has begun, or not at all. It returns the row as it is then.
func (r *Room) proceed(ctx context.Context, a Attempt, b Browser, try Try, first func(tx store.Tx) (auth.User, error)) (Outcome, error) {
	proof := session.Proof{
		User: a.User, Methods: a.Proven, Device: b.Device, Replaces: b.Current, TokensOnly: b.TokensOnly,
	}
	if a.Missing == StepDone && b.Approve != nil {
		if err := b.Approve(ctx, a.User); err != nil {
			return Outcome{}, err
		}
	}
	if a.Missing == StepDone && b.Elsewhere != nil {
		var err error
		if proof.Elsewhere, err = b.Elsewhere(); err != nil {
			return Outcome{}, err
		}
	}
	var row session.Begun
	var next auth.Secret
	err := r.Store.InTx(ctx, func(tx store.Tx) (err error) {
		now := r.now()
		if first != nil {
			if proof.User, err = first(tx); err != nil {
				return err
			}
		}
		if err := r.Throttle.Forget(ctx, tx, try); err != nil {
			return err
		}
		if a.Missing != StepDone {
			next, err = r.wait(ctx, tx, a, b, now)
			return err
		}
		if row, err = b.Mount.Begin(ctx, tx, proof); err != nil {
			return err
		}
		if b.Within != nil {
			if err := b.Within(ctx, tx, a.User, row.Session); err != nil {
				return err
			}
		}
		return tx.AppendEvent(ctx, event(auth.EventSignInSucceeded, a.User, row.ID, b, now))
	})
	var refused *auth.Error
	switch {
	case errors.As(err, &refused) && refused.Code == auth.CodeChanged:
		// Disabled, or the password was changed, since the proof: it proves
		// nothing any more.
		return Outcome{}, auth.NewError(auth.CodeInvalidCredentials, err)
	case err != nil:
		return Outcome{}, unavailable("begin session", err)
	case a.Missing != StepDone:
		return Outcome{User: a.User, Missing: a.Missing, Continue: next}, nil
	}
	a.User = proof.User
	sealed, token, err := b.Mount.Seal(ctx, row, proof, b.Claims)
	return Outcome{User: a.User, Session: sealed, Token: token, KnownBy: r.Devices.Remember(b.KnownBy, a.User.ID)}, err
}

// record writes an event on its own, for refusals: there is no change it could
// share a transaction with. The refusal stands whether or not it is recorded.
func (r *Room) record(ctx context.Context, t auth.EventType, u auth.User, b Browser) {
	if err := r.Store.AppendEvent(ctx, event(t, u, "", b, r.now())); err != nil {
		r.lost(ctx, string(t), err)
	}
}

// lost tells the operator that the audit record lacks something.
func (r *Room) lost(ctx context.Context, event string, err error) {
	if r.Logger != nil {
		r.Logger.ErrorContext(ctx, "an event of the audit record could not be written", "event", event, "err", err)
	}
}

// recordWrong records a wrong password. Of guesses at identifiers that nobody has
// only some become an event; the others are counted in one row for all of them,
// because whoever measures would know the identifiers that exist by the time that
// one more commit takes (CS-4).
func (r *Room) recordWrong(ctx context.Context, u auth.User, b Browser) {
	if now := r.now(); u.ID == "" && !r.worthRecording(ctx, "unknown identifiers", now) {
		if _, err := r.Store.RaiseFailure(ctx, notRecorded, throttleWindow, now); err != nil {
			r.lost(ctx, string(auth.EventSignInFailed), err)
		}
		return
	}
	r.record(ctx, auth.EventSignInFailed, u, b)
}

// notRecorded is the counter of guesses at unknown identifiers that are no event.
const notRecorded = "not-recorded:unknown identifiers"

func event(t auth.EventType, u auth.User, s auth.SessionID, b Browser, now time.Time) auth.Event {
	return auth.Event{
		ID: auth.NewEventID(now), At: now, Type: t, Actor: string(u.ID),
		UserID: u.ID, SessionID: s, Client: b.Mount.Name(), Address: b.Device.Address, Agent: useragent.Family(b.Device.UserAgent),
	}
}
