package client

import (
	"context"
	"net/http"
	"net/netip"
	"net/url"
	"time"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/apikey"
	"github.com/gatehouse-auth/gatehouse/internal/store"
	"github.com/gatehouse-auth/gatehouse/internal/web/management"
)

func asKey(k management.APIKey) auth.APIKey {
	out := auth.APIKey{
		ID: k.ID, Environment: k.Environment, Name: k.Name, UserID: k.UserID, CreatedBy: k.CreatedBy, Roles: k.Roles, Scopes: k.Scopes,
		ReplacedBy: k.ReplacedBy, Version: k.Version, CreatedAt: k.CreatedAt, ExpiresAt: k.ExpiresAt, LastUsedAt: k.LastUsedAt, RevokedAt: k.RevokedAt,
	}
	for _, text := range k.Networks {
		if network, err := netip.ParsePrefix(text); err == nil {
			out.Networks = append(out.Networks, network)
		}
	}
	if k.RateLimit != nil {
		out.RateLimit = auth.RateLimit{Requests: k.RateLimit.Requests, Period: time.Duration(k.RateLimit.Period) * time.Second}
	}
	return out
}

func keyPath(id auth.APIKeyID, below string) string {
	return "/api-keys/" + url.PathEscape(string(id)) + below
}

// EachAPIKey calls do with one page of keys after the other, in order of their
// making.
func (c *Client) EachAPIKey(ctx context.Context, of store.APIKeyFilter, do func([]auth.APIKey) error) error {
	for cursor, more := "", true; more; {
		q := pageOf(cursor)
		if of.User != "" {
			q.Set("user_id", string(of.User))
		}
		if of.Services {
			q.Set("services", "true")
		}
		var page management.APIKeys
		if err := c.do(ctx, call{method: http.MethodGet, path: "/api-keys", query: q}, &page); err != nil {
			return err
		}
		keys := make([]auth.APIKey, len(page.Items))
		for i, k := range page.Items {
			keys[i] = asKey(k)
		}
		if err := do(keys); err != nil {
			return err
		}
		cursor, more = page.Next, page.Next != "" && page.Next != cursor
	}
	return nil
}

// APIKey returns one key, ended or not. Code: not_found.
func (c *Client) APIKey(ctx context.Context, id auth.APIKeyID) (auth.APIKey, error) {
	var k management.APIKey
	err := c.do(ctx, call{method: http.MethodGet, path: keyPath(id, "")}, &k)
	return asKey(k), err
}

// CreateAPIKey makes a key.
func (c *Client) CreateAPIKey(ctx context.Context, d apikey.Draft) (apikey.Created, error) {
	in := management.CreateAPIKey{Name: d.Name, UserID: d.UserID, Roles: d.Roles, Scopes: d.Scopes, Lifetime: inSeconds(d.Lifetime)}
	for _, network := range d.Networks {
		in.Networks = append(in.Networks, network.String())
	}
	if d.RateLimit.Requests > 0 {
		in.RateLimit = &management.RateLimit{Requests: d.RateLimit.Requests, Period: inSeconds(d.RateLimit.Period)}
	}
	var made management.SecretAPIKey
	err := c.do(ctx, call{method: http.MethodPost, path: "/api-keys", once: true, body: in}, &made)
	return apikey.Created{Key: asKey(made.APIKey), Text: auth.Secret(made.Key)}, err
}

// inSeconds is whole seconds, and at least one of what is not nothing.
func inSeconds(d time.Duration) int {
	if d > 0 && d < time.Second {
		return 1
	}
	return int(d / time.Second)
}

// RotateAPIKey puts a new key in the place of one.
func (c *Client) RotateAPIKey(ctx context.Context, id auth.APIKeyID, o apikey.Rotation) (apikey.Rotated, error) {
	in := management.RotateAPIKey{Lifetime: inSeconds(o.Lifetime)}
	if o.Overlap != nil {
		overlap := inSeconds(*o.Overlap)
		in.Overlap = &overlap
	}
	var made management.RotatedAPIKey
	err := c.do(ctx, call{method: http.MethodPost, path: keyPath(id, "/rotate"), version: new(int64), once: true, body: in}, &made)
	return apikey.Rotated{
		Created: apikey.Created{Key: asKey(made.APIKey), Text: auth.Secret(made.Key)}, Old: asKey(made.Old), Effect: effect(made.Effective, made.PendingUntil),
	}, err
}

// RevokeAPIKey ends a key for good.
func (c *Client) RevokeAPIKey(ctx context.Context, id auth.APIKeyID) (apikey.Changed, error) {
	var done management.ChangedAPIKey
	err := c.do(ctx, call{method: http.MethodPost, path: keyPath(id, "/revoke")}, &done)
	return apikey.Changed{Key: asKey(done.APIKey), Effect: effect(done.Effective, done.PendingUntil)}, err
}
