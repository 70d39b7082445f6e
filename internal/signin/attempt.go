package signin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/password"
	"github.com/gatehouse-auth/gatehouse/internal/ratelimit"
	"github.com/gatehouse-auth/gatehouse/internal/seal"
	"github.com/gatehouse-auth/gatehouse/internal/session"
	"github.com/gatehouse-auth/gatehouse/internal/store"
)

// Room signs people in. Its members are set once, before use; it is safe for
// concurrent use.
type Room struct {
	Store     store.Store
	Passwords *password.Hasher
	Policy    password.Policy
	Sessions  *session.Room
	Throttle  Throttle
	// Devices knows the browsers in which an account was signed in to before.
	Devices Devices
	// Sampling bounds the audit record of refusals; nil records all of them.
	Sampling ratelimit.Source
	// Watch, if not nil, measures every step.
	Watch Watch
	// Logger hears of what was refused and could not be recorded; nil means
	// nobody does.
	Logger *slog.Logger
	// Now is the clock; nil means time.Now.
	Now func() time.Time
}

func (r *Room) now() time.Time {
	if r.Now == nil {
		return time.Now()
	}
	return r.Now()
}

// Attempt is one sign-in in progress.
type Attempt struct {
	// User is the row as it was read together with the first proof.
	User auth.User
	// Proven are the RFC 8176 names of the proofs given so far.
	Proven []string
	// Missing is the next step; StepDone when a session may begin.
	Missing Step
}

// Step names what an Attempt waits for.
type Step string

// The steps that an Attempt may wait for.
const (
	StepDone        Step = ""
	StepNewPassword Step = "new_password"
)

// next decides what is missing. It is the only place that does.
func (a *Attempt) next(credential auth.Password) {
	a.Missing = StepDone
	if credential.MustChange {
		a.Missing = StepNewPassword
	}
}

// Outcome is what a step led to.
type Outcome struct {
	User auth.User
	// Missing names the next step; Continue is what that step needs:
	// "<challenge ID>.<secret>".
	Missing  Step
	Continue auth.Secret
	// Session and Token are set when nothing is missing.
	Session session.Checked
	Token   session.Token
	// KnownBy is what the browser is to keep, so that it is known to the
	// account from now on; see [Devices].
	KnownBy string
}

// Done says whether a session has begun.
func (o Outcome) Done() bool { return o.Missing == StepDone }

// Browser is where an Attempt comes from.
type Browser struct {
	// Mount is the base path that the session will belong to.
	Mount  *session.Mount
	Device auth.Device
	// KnownBy is what the browser kept of earlier sign-ins; empty for nothing.
	KnownBy string
	// Current is the checked cookie that came along, if any.
	Current *session.Checked
	// Elsewhere, if not nil, is asked for the checked cookies of other mounts
	// that came along, before a session begins; its error is returned as it is.
	Elsewhere func() ([]session.Checked, error)
	// Claims, if not nil, may alter the readable claims of the new session.
	Claims func(*session.Claims)
	// Within, if not nil, is called in the transaction in which the session
	// begins, with its row; its error is returned as it is, and nothing has begun.
	// As the transaction, it may run more than once.
	Within func(ctx context.Context, tx store.Tx, u auth.User, s auth.Session) error
	// TokensOnly: whoever signs in wants tokens, and gets no cookie.
	TokensOnly bool
	// Approve, if not nil, is asked once the proofs are right and before a
	// session begins; its error is returned as it is.
	Approve func(ctx context.Context, u auth.User) error
}

// stepLifetime is how long an Attempt waits for its next step.
const stepLifetime = 10 * time.Minute

// stepTries is how often one step may be tried.
const stepTries = 10

// waiting is the part of an Attempt that is kept between two steps.
type waiting struct {
	Proven []string `json:"proven"`
	Mount  string   `json:"mount"`
}

// wait keeps the Attempt as a Challenge, in tx, and returns what the next step
// must bring.
func (r *Room) wait(ctx context.Context, tx store.Tx, a Attempt, b Browser, now time.Time) (auth.Secret, error) {
	secret := seal.NewSecret()
	data, err := json.Marshal(waiting{Proven: a.Proven, Mount: b.Mount.Name()})
	if err != nil {
		return "", fmt.Errorf("keep attempt: %w", err)
	}
	c := auth.Challenge{
		ID: auth.NewChallengeID(now), UserID: a.User.ID, Kind: auth.ChallengeKind(a.Missing), Epoch: a.User.Epoch,
		SecretHash: seal.HashSecret(secret), Data: data, TriesLeft: stepTries,
		CreatedAt: now, ExpiresAt: now.Add(stepLifetime),
	}
	if err := tx.CreateChallenge(ctx, c); err != nil {
		return "", fmt.Errorf("keep attempt: %w", err)
	}
	return auth.Secret(string(c.ID) + "." + secret), nil
}

// resume finds the Attempt that a step belongs to and counts the try.
func (r *Room) resume(ctx context.Context, token auth.Secret, step Step, b Browser) (auth.Challenge, waiting, error) {
	expired := auth.NewError(auth.CodeChallengeExpired, nil)
	id, secret, found := strings.Cut(token.Reveal(), ".")
	if !found {
		return auth.Challenge{}, waiting{}, expired
	}
	c, err := r.Store.TryChallenge(ctx, auth.ChallengeID(id), auth.ChallengeKind(step), r.now())
	if errors.Is(err, store.ErrNotFound) {
		return c, waiting{}, expired
	}
	if err != nil {
		return c, waiting{}, auth.Unavailable(fmt.Errorf("resume attempt: %w", err))
	}
	var w waiting
	if !seal.EqualHash(c.SecretHash, secret) {
		return c, w, expired
	}
	if err := json.Unmarshal(c.Data, &w); err != nil {
		return c, w, fmt.Errorf("resume attempt: %w", err)
	}
	if w.Mount != b.Mount.Name() {
		return c, w, expired
	}
	return c, w, nil
}
