package apikey

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/rbac"
	"github.com/gatehouse-auth/gatehouse/internal/store"
	"github.com/gatehouse-auth/gatehouse/internal/useragent"
)

// By is who makes, changes or ends a key. Whether he may manage this one is the
// caller's to decide; that no key can do more than he, is decided here.
type By struct {
	// Principal is who asks; zero for an operator at the command line, who is
	// bound by nothing.
	Principal auth.Principal
	// Operator goes into the audit record in place of a Principal: "cli".
	Operator string
	From     auth.Device
}

// operator says whether nobody asks over a network.
func (b By) operator() bool {
	return b.Operator != "" && b.Principal.UserID == "" && b.Principal.APIKeyID == ""
}

func (b By) actor() string {
	switch {
	case b.Principal.APIKeyID != "":
		return string(b.Principal.APIKeyID)
	case b.Principal.UserID != "":
		return string(b.Principal.UserID)
	}
	return b.Operator
}

func (b By) record(kind auth.EventType, k auth.APIKey, now time.Time) auth.Event {
	return auth.Event{
		ID: auth.NewEventID(now), At: now, Type: kind, Actor: b.actor(), UserID: k.UserID,
		Subject: auth.SubjectOf(auth.SubjectAPIKey, string(k.ID)), Address: b.From.Address, Agent: useragent.Family(b.From.UserAgent),
	}
}

// standsOn is what a key may rest on: the epoch of the proof of whoever asks, and
// the key that asks, if one does.
type standsOn struct {
	epoch int64
	key   *auth.APIKey
}

// alive says in the transaction itself whether the credential of whoever asks is
// good: a request that was under way when it ended makes no key (guarantees R3).
// Codes: signed_out, invalid_api_key.
func (r *Room) alive(ctx context.Context, tx store.Tx, by By, now time.Time) (standsOn, error) {
	who := by.Principal
	switch {
	case by.operator():
		return standsOn{}, nil
	case who.APIKeyID != "":
		k, owner, err := tx.APIKeyAndOwner(ctx, who.APIKeyID)
		if errors.Is(err, store.ErrNotFound) {
			return standsOn{}, invalid(err)
		}
		if err != nil {
			return standsOn{}, err
		}
		if why := standing(row{k, owner}, now); why != nil {
			return standsOn{}, invalid(why)
		}
		return standsOn{epoch: k.Epoch, key: &k}, nil
	case who.SessionID != "":
		s, err := tx.Session(ctx, who.SessionID)
		switch {
		case errors.Is(err, store.ErrNotFound):
			return standsOn{}, auth.NewError(auth.CodeSignedOut, err)
		case err != nil:
			return standsOn{}, err
		case s.UserID != who.UserID || !s.EndedAt.IsZero() || !s.AbsoluteEnd.After(now):
			return standsOn{}, auth.NewError(auth.CodeSignedOut, errors.New("the session that asks has ended"))
		}
		return standsOn{epoch: s.Epoch}, nil
	}
	return standsOn{}, auth.NewError(auth.CodeSignedOut, errors.New("whoever asks has neither a session nor an API key"))
}

// tooMuch is the refusal of a key that could do more than whoever asks.
func tooMuch(field, message string) error {
	return &auth.Error{Code: auth.CodeForbidden, Field: field, Message: message}
}

// bound keeps the end of a key that is made within the life of the key that makes
// it: an end that was asked for is refused, and one that the settings say comes
// sooner.
func (on standsOn) bound(k *auth.APIKey, asked bool) error {
	switch {
	case on.key == nil || !k.ExpiresAt.After(on.key.ExpiresAt):
		return nil
	case asked:
		return tooMuch("lifetime", "An API key makes no keys that outlive it.")
	}
	k.ExpiresAt = on.key.ExpiresAt
	return nil
}

// mayGive says whether whoever asks may give, or take over, what the key k of the
// owner can do. Code: forbidden.
func (r *Room) mayGive(policy *rbac.Policy, by By, on standsOn, k auth.APIKey, owner auth.User) error {
	if by.operator() {
		return nil
	}
	if on.key != nil && len(on.key.Networks) > 0 && !within(k.Networks, on.key.Networks) {
		return tooMuch("networks", "An API key that is bound to networks makes keys for these networks alone.")
	}
	// What the user is given later is not for a credential that was limited: it makes
	// none that is less so.
	if k.UserID != "" && by.Principal.UserID == k.UserID {
		if on.key != nil && len(on.key.Roles) > 0 && len(k.Roles) == 0 {
			return tooMuch("roles", "An API key that has some of its user's roles makes no key that has all of them.")
		}
		if !narrower(k.Scopes, by.Principal.Scopes) {
			return tooMuch("scopes", "A credential that its scopes narrow makes keys that are as narrow.")
		}
	}
	if !r.withinRate(k.RateLimit) {
		return tooMuch("rate_limit", "An API key cannot be used more often than the settings say.")
	}
	who, roles := by.Principal, k.Roles
	switch {
	case k.UserID == "":
	case who.UserID == k.UserID && who.APIKeyID == "" && len(who.NarrowedRoles) == 0:
		return nil // a key of one's own can never do more than oneself
	case who.UserID == k.UserID:
		roles = effective(owner.Roles, k.Roles)
	default:
		roles = owner.Roles // it acts as that user
	}
	if policy.Covers(who, roles, nil) {
		return nil
	}
	// What its scopes leave of the roles is no more than the scopes; but not as
	// another user.
	if mine := k.UserID == "" || k.UserID == who.UserID; mine && len(k.Scopes) > 0 && policy.Covers(who, nil, k.Scopes) {
		return nil
	}
	return tooMuch("roles", "An API key cannot do more than whoever makes it.")
}

// narrower says whether the scopes let a key do no more than those of whoever makes
// it. Scopes that are no patterns narrow nothing, see [rbac.IsPattern].
func narrower(scopes, maker []string) bool {
	narrow := slices.DeleteFunc(slices.Clone(maker), func(s string) bool { return !rbac.IsPattern(s) })
	covered := func(s string) bool {
		q, err := rbac.ParsePattern(s)
		return err == nil && slices.ContainsFunc(narrow, func(m string) bool {
			mine, err := rbac.ParsePattern(m)
			return err == nil && mine.Covers(q)
		})
	}
	return len(narrow) == 0 || len(scopes) > 0 && !slices.ContainsFunc(scopes, func(s string) bool { return !covered(s) })
}

// within says whether every one of the networks lies in one of the others. None
// at all is everywhere.
func within(list, others []netip.Prefix) bool {
	return len(list) > 0 && !slices.ContainsFunc(list, func(n netip.Prefix) bool {
		return !slices.ContainsFunc(others, func(o netip.Prefix) bool { return o.Bits() <= n.Bits() && o.Contains(n.Addr()) })
	})
}

// withinRate says whether the key's own limit is no wider than that of the
// settings.
func (r *Room) withinRate(l auth.RateLimit) bool {
	most := r.RateLimit
	return l.Requests == 0 || most.Requests == 0 ||
		l.Requests <= most.Requests && l.Period/time.Duration(l.Requests) >= most.Period/time.Duration(most.Requests)
}

// The bounds of what a key has.
const (
	maxScopes    = 64
	maxScopeText = 128
	maxNetworks  = 32
	maxRequests  = 1_000_000
	maxPeriod    = 24 * time.Hour
)

func wrong(field, format string, args ...any) error {
	return &auth.Error{Code: auth.CodeInvalidRequest, Field: field, Message: fmt.Sprintf(format, args...)}
}
