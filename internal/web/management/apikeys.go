package management

import (
	"net/netip"
	"strings"
	"time"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/apikey"
	"github.com/gatehouse-auth/gatehouse/internal/revocation"
	"github.com/gatehouse-auth/gatehouse/internal/store"
)

// RateLimit is how often a key may be used.
type RateLimit struct {
	Requests int `json:"requests" minimum:"1" doc:"How many at once."`
	Period   int `json:"period_seconds" minimum:"1" doc:"In how long that many come again."`
}

// APIKey is the credential of a program, without its secret.
type APIKey struct {
	ID          auth.APIKeyID `json:"id" doc:"key_ and a UUID. It stands in the text of the key and is no secret."`
	Environment string        `json:"environment"`
	Name        string        `json:"name"`
	UserID      auth.UserID   `json:"user_id,omitempty" doc:"Whose key it is; missing for the key of a service."`
	CreatedBy   string        `json:"created_by" doc:"The ID of a user or of an API key, or cli."`
	Roles       []string      `json:"roles" nullable:"false" doc:"Those of a service's key. Of a user's key those of the user's that it has; none is all of them."`
	Scopes      []string      `json:"scopes" nullable:"false" doc:"Patterns of permissions that narrow what the roles allow; none narrows nothing."`
	Networks    []string      `json:"networks" nullable:"false" doc:"Where it may be used from; none is everywhere."`
	RateLimit   *RateLimit    `json:"rate_limit,omitempty" doc:"Missing where the settings say it."`
	ReplacedBy  auth.APIKeyID `json:"replaced_by,omitempty" doc:"The key that a rotation has put in its place."`
	Version     int64         `json:"version"`
	CreatedAt   time.Time     `json:"created_at"`
	ExpiresAt   time.Time     `json:"expires_at"`
	LastUsedAt  time.Time     `json:"last_used_at,omitzero" doc:"Some minutes old at most; missing for never."`
	RevokedAt   time.Time     `json:"revoked_at,omitzero"`
}

func shownKey(k auth.APIKey) APIKey {
	out := APIKey{
		ID: k.ID, Environment: k.Environment, Name: k.Name, UserID: k.UserID, CreatedBy: k.CreatedBy, Roles: none(k.Roles), Scopes: none(k.Scopes),
		Networks: shown(k.Networks, netip.Prefix.String), ReplacedBy: k.ReplacedBy, Version: k.Version,
		CreatedAt: k.CreatedAt.UTC(), ExpiresAt: k.ExpiresAt.UTC(), LastUsedAt: k.LastUsedAt.UTC(), RevokedAt: k.RevokedAt.UTC(),
	}
	if k.RateLimit.Requests > 0 {
		out.RateLimit = &RateLimit{k.RateLimit.Requests, int(k.RateLimit.Period / time.Second)}
	}
	return out
}

// APIKeys is a page of keys.
type APIKeys struct {
	Items []APIKey `json:"items" nullable:"false"`
	Next  string   `json:"next,omitempty" doc:"The cursor of the next page; missing on the last one."`
}

type listAPIKeys struct {
	Cursor   string `query:"cursor" doc:"Where to go on: next of the page before." maxLength:"512"`
	Limit    int    `query:"limit" doc:"How many at most." minimum:"1" maximum:"200" default:"50"`
	UserID   string `query:"user_id" doc:"This user's alone." maxLength:"64"`
	Services bool   `query:"services" doc:"Those of services alone."`
}

func isAPIKeyID(s string) bool { return strings.HasPrefix(s, "key_") && len(s) <= 64 }

func (c *call) key() auth.APIKeyID { return auth.APIKeyID(c.PathValue("key")) }

func (c *call) listAPIKeys() (*reply, error) {
	q := c.query.(*listAPIKeys)
	after, err := cursorAfter(c.op.id, q.Cursor, isAPIKeyID)
	if err != nil {
		return nil, err
	}
	page, err := c.h.Room.ListAPIKeys(c.Context(), c.actor, store.APIKeyFilter{User: auth.UserID(q.UserID), Services: q.Services}, auth.APIKeyID(after), size(q.Limit))
	if err != nil {
		return nil, err
	}
	out := APIKeys{Items: shown(page.Keys, shownKey)}
	if page.Next != "" {
		out.Next = cursor(c.op.id, string(page.Next))
	}
	return &reply{body: out, next: out.Next}, nil
}

func (c *call) getAPIKey() (*reply, error) {
	k, err := c.h.Room.APIKey(c.Context(), c.actor, c.key())
	if err != nil {
		return nil, err
	}
	return &reply{body: shownKey(k), version: k.Version}, nil
}

// CreateAPIKey describes a key to make.
type CreateAPIKey struct {
	Name      string      `json:"name" maxLength:"100"`
	UserID    auth.UserID `json:"user_id,omitempty" maxLength:"64" doc:"Whose key it is to be; missing for the key of a service."`
	Roles     []string    `json:"roles,omitempty" nullable:"false" maxItems:"32" doc:"The key of a service needs one. None may grant more than you hold."`
	Scopes    []string    `json:"scopes,omitempty" nullable:"false" maxItems:"64"`
	Networks  []string    `json:"networks,omitempty" nullable:"false" maxItems:"64" doc:"Addresses or networks, as 203.0.113.0/24."`
	RateLimit *RateLimit  `json:"rate_limit,omitempty"`
	Lifetime  int         `json:"lifetime_seconds,omitempty" minimum:"1" doc:"How long it lives; missing is what the settings say, or as long as the key that makes it."`
}

// SecretAPIKey is a key with its text, where it has just been made.
type SecretAPIKey struct {
	APIKey
	// Key is no auth.Secret: those are written as [redacted].
	Key string `json:"key,omitempty" doc:"The whole key, with its secret. It is shown this once; a repeated request with the same Idempotency-Key is answered without it."`
}

// networks are prefixes; a single address is one.
func networks(texts []string) (list []netip.Prefix, err error) {
	for _, text := range texts {
		p, err := netip.ParsePrefix(text)
		if addr, bad := netip.ParseAddr(text); bad == nil {
			p, err = netip.PrefixFrom(addr, addr.BitLen()), nil
		}
		if err != nil {
			return nil, &auth.Error{Code: auth.CodeInvalidRequest, Field: "networks", Message: "Give addresses or networks, as 203.0.113.0/24.", Cause: err}
		}
		list = append(list, p)
	}
	return list, nil
}

func (l *RateLimit) limit() auth.RateLimit {
	if l == nil {
		return auth.RateLimit{}
	}
	return auth.RateLimit{Requests: l.Requests, Period: seconds(l.Period)}
}

// seconds is n seconds, or the longest that there is.
func seconds(n int) time.Duration {
	const most = int(1<<63-1) / int(time.Second)
	return time.Duration(min(n, most)) * time.Second
}

func (c *call) createAPIKey() (*reply, error) {
	in := c.body.(*CreateAPIKey)
	nets, err := networks(in.Networks)
	if err != nil {
		return nil, err
	}
	made, err := c.h.Room.CreateAPIKey(c.Context(), c.actor, apikey.Draft{
		Name: in.Name, UserID: in.UserID, Roles: in.Roles, Scopes: in.Scopes, Networks: nets, RateLimit: in.RateLimit.limit(), Lifetime: seconds(in.Lifetime),
	})
	if err != nil {
		return nil, err
	}
	id := string(made.Key.ID)
	return &reply{body: SecretAPIKey{shownKey(made.Key), made.Text.Reveal()}, version: made.Key.Version, made: id, location: c.op.location(id)}, nil
}

func madeAPIKey(c *call, id string) (*reply, error) {
	k, err := c.h.Room.APIKey(c.Context(), c.actor, auth.APIKeyID(id))
	if err != nil {
		return nil, err
	}
	return &reply{body: SecretAPIKey{APIKey: shownKey(k)}, version: k.Version}, nil
}

// UpdateAPIKey is a merge patch of a key: what is left out stays as it is, and null
// is the empty list.
type UpdateAPIKey struct {
	Name      patched[string]   `json:"name,omitzero" maxLength:"100"`
	Roles     patched[[]string] `json:"roles,omitzero" maxItems:"32"`
	Scopes    patched[[]string] `json:"scopes,omitzero" maxItems:"64"`
	Networks  patched[[]string] `json:"networks,omitzero" maxItems:"64"`
	RateLimit *RateLimit        `json:"rate_limit,omitempty"`
}

// Effect is where a change is in force.
type Effect struct {
	Effective revocation.Effectiveness `json:"effective" enum:"everywhere,pending" doc:"Whether every server goes by it already."`
	// PendingUntil is zero when it is in force everywhere.
	PendingUntil time.Time `json:"pending_until,omitzero" doc:"By then every server has heard of it, or refuses whatever it has not heard of."`
}

func shownEffect(e revocation.Effect) Effect { return Effect{e.Effective, e.Latest.UTC()} }

// ChangedAPIKey is a key after a change.
type ChangedAPIKey struct {
	APIKey
	Effect
}

func changedKey(done apikey.Changed, err error) (*reply, error) {
	if err != nil {
		return nil, err
	}
	return &reply{body: ChangedAPIKey{shownKey(done.Key), shownEffect(done.Effect)}, version: done.Key.Version}, nil
}

func (c *call) updateAPIKey() (*reply, error) {
	in := c.body.(*UpdateAPIKey)
	change := apikey.Change{Name: in.Name.pointer(), Roles: in.Roles.pointer(), Scopes: in.Scopes.pointer()}
	if in.Networks.set {
		nets, err := networks(in.Networks.value)
		if err != nil {
			return nil, err
		}
		change.Networks = &nets
	}
	if in.RateLimit != nil {
		limit := in.RateLimit.limit()
		change.RateLimit = &limit
	}
	return changedKey(c.h.Room.UpdateAPIKey(c.Context(), c.actor, c.key(), c.seen, change))
}

// RotateAPIKey says how a key is replaced.
type RotateAPIKey struct {
	Overlap  *int `json:"overlap_seconds,omitempty" minimum:"0" doc:"How long the old key goes on; missing is a day, and zero ends it at once."`
	Lifetime int  `json:"lifetime_seconds,omitempty" minimum:"1" doc:"How long the new key lives; missing is what the settings say, or as long as the key that asks, where that is another one."`
}

// RotatedAPIKey is the new key, and until when the old one goes on.
type RotatedAPIKey struct {
	SecretAPIKey
	Old APIKey `json:"old" doc:"The key that was replaced."`
	Effect
}

func (c *call) rotateAPIKey() (*reply, error) {
	in := c.body.(*RotateAPIKey)
	o := apikey.Rotation{Lifetime: seconds(in.Lifetime)}
	if in.Overlap != nil {
		overlap := seconds(*in.Overlap)
		o.Overlap = &overlap
	}
	done, err := c.h.Room.RotateAPIKey(c.Context(), c.actor, c.key(), c.seen, o)
	if err != nil {
		return nil, err
	}
	id := string(done.Key.ID)
	return &reply{
		body:    RotatedAPIKey{SecretAPIKey{shownKey(done.Key), done.Text.Reveal()}, shownKey(done.Old), shownEffect(done.Effect)},
		version: done.Key.Version, made: id, location: c.op.location(id),
	}, nil
}

// rotatedAPIKey answers a repeated rotation: the old key is the one in the
// address.
func rotatedAPIKey(c *call, id string) (*reply, error) {
	k, err := c.h.Room.APIKey(c.Context(), c.actor, auth.APIKeyID(id))
	if err != nil {
		return nil, err
	}
	old, err := c.h.Room.APIKey(c.Context(), c.actor, c.key())
	if err != nil {
		return nil, err
	}
	effect := Effect{Effective: revocation.Everywhere}
	return &reply{body: RotatedAPIKey{SecretAPIKey{APIKey: shownKey(k)}, shownKey(old), effect}, version: k.Version}, nil
}

func (c *call) revokeAPIKey() (*reply, error) {
	return changedKey(c.h.Room.RevokeAPIKey(c.Context(), c.actor, c.key()))
}
