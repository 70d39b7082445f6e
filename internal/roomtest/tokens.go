package roomtest

import (
	"context"
	"database/sql"
	"errors"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/jwt"
	"github.com/gatehouse-auth/gatehouse/internal/seal"
	"github.com/gatehouse-auth/gatehouse/internal/session"
	"github.com/gatehouse-auth/gatehouse/internal/signin"
	"github.com/gatehouse-auth/gatehouse/internal/store"
	"github.com/gatehouse-auth/gatehouse/internal/token"
)

// The audiences and clients of [Rooms.TokenOptions].
const (
	API       = "https://api.example"
	SharedAPI = "https://shared.example"
	OwnAPI    = "https://own.example"

	SharedSecret auth.Secret = "shared-with-one-service-0123456789abcd"
	ClientSecret auth.Secret = "kW2m8Yq1c5Tz7Lr3Vn9Xb4Hf6Js0Dp8Ge2Ua5Oi1Qy"

	AccessLifetime  = 15 * time.Minute
	RefreshIdle     = 3 * 24 * time.Hour
	RefreshAbsolute = 30 * 24 * time.Hour
)

// Keys is a keyring of one ES256 key. It is safe for concurrent use.
type Keys struct {
	mu   sync.Mutex
	key  *jwt.Key
	gone bool
	away error
}

// NewKeys makes one.
func NewKeys(t testing.TB) *Keys {
	t.Helper()
	key, err := jwt.Generate(jwt.ES256)
	if err != nil {
		t.Fatalf("make a key: %v", err)
	}
	return &Keys{key: key}
}

// Retire makes the key one that nothing counts of.
func (k *Keys) Retire() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.gone = true
}

// Away lets signing and verifying fail with err; nil brings the key back.
func (k *Keys) Away(err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.away = err
}

func (k *Keys) state() (gone bool, away error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.gone, k.away
}

// Sign implements token.Keys.
func (k *Keys) Sign(_ jwt.Algorithm, typ string, claims []byte) (string, error) {
	if _, away := k.state(); away != nil {
		return "", away
	}
	return k.key.Sign(typ, claims)
}

// Verify implements token.Keys.
func (k *Keys) Verify(text string, e jwt.Expect) (jwt.Claims, error) {
	gone, away := k.state()
	if away != nil {
		return jwt.Claims{}, away
	}
	return jwt.Verify(text, func(id string) *jwt.Key {
		if gone || id != k.key.ID() {
			return nil
		}
		return k.key
	}, e)
}

// Knows implements token.Keys.
func (k *Keys) Knows(id string) bool {
	gone, _ := k.state()
	return !gone && id == k.key.ID()
}

// JWKS is the published set.
func (k *Keys) JWKS() ([]byte, time.Duration, error) {
	text, err := k.key.AppendJWK([]byte(`{"keys":[`))
	return append(text, `]}`...), time.Minute, err
}

// TokenOptions are what [Rooms.Tokens] makes its room with.
func (r *Rooms) TokenOptions(t testing.TB) token.Options {
	t.Helper()
	installation, err := r.DB.Installation(context.Background())
	if err != nil {
		t.Fatalf("installation: %v", err)
	}
	return token.Options{
		Store: r.Store, Index: r.Index, Keys: NewKeys(t), Secrets: []auth.Secret{Secret}, Installation: installation,
		Audiences: []token.Audience{
			{ID: API, Algorithm: jwt.ES256, Lifetime: AccessLifetime, Scopes: []string{"read", "write"}},
			{ID: SharedAPI, Algorithm: jwt.HS256, Secret: SharedSecret, Lifetime: AccessLifetime},
			{ID: OwnAPI, Algorithm: jwt.ES256, Lifetime: 5 * time.Minute, Own: true},
			{Algorithm: jwt.ES256, Lifetime: AccessLifetime, Own: true},
		},
		Clients: []token.Client{
			{ID: "service", SecretHash: HashOf(ClientSecret), Audiences: []string{API}, MayIntrospect: true},
			{ID: "backend", SecretHash: HashOf(ClientSecret + "2"), Audiences: []string{API, SharedAPI}},
			{ID: "app", Audiences: []string{API}},
		},
		Idle: RefreshIdle, Absolute: RefreshAbsolute, MaxPerUser: MaxPerUser, MaxStaleness: MaxStaleness,
		Logger: slog.New(slog.DiscardHandler), Now: r.Clock.Now,
	}
}

// Tokens returns the token room of the mount at [BaseV4].
func (r *Rooms) Tokens(t testing.TB, o token.Options) *token.Issuer {
	t.Helper()
	room, err := token.New(o)
	if err != nil {
		t.Fatalf("token room: %v", err)
	}
	return room.Issuer(Origin+BaseV4, BaseV4)
}

// Grant signs a user in by [Password] and returns the tokens for the demand.
func (r *Rooms) Grant(t testing.TB, i *token.Issuer, identifier string, d token.Demand) token.Grant {
	t.Helper()
	plan, err := i.Plan(d)
	if err != nil {
		t.Fatalf("plan %+v: %v", d, err)
	}
	start := &token.Start{Plan: plan}
	_, err = r.SignIn.Password(context.Background(), identifier, Password, signin.Browser{Mount: r.V4.Sessions, Within: start.Within})
	if err != nil {
		t.Fatalf("sign in: %v", err)
	}
	g, err := start.Issue(context.Background())
	if err != nil {
		t.Fatalf("issue: %v", err)
	}
	return g
}

// GrantTo is Grant for a user who proves nothing, which costs no hash.
func (r *Rooms) GrantTo(t testing.TB, i *token.Issuer, u auth.User, d token.Demand) token.Grant {
	t.Helper()
	plan, err := i.Plan(d)
	if err != nil {
		t.Fatalf("plan %+v: %v", d, err)
	}
	start := &token.Start{Plan: plan}
	err = r.Store.InTx(context.Background(), func(tx store.Tx) error {
		row, err := r.V4.Sessions.Begin(context.Background(), tx, session.Proof{User: u, Methods: []string{"pwd"}})
		if err != nil {
			return err
		}
		return start.Within(context.Background(), tx, u, row.Session)
	})
	if err != nil {
		t.Fatalf("begin: %v", err)
	}
	g, err := start.Issue(context.Background())
	if err != nil {
		t.Fatalf("issue: %v", err)
	}
	return g
}

// HashOf is what the configuration has in place of a client's secret.
func HashOf(secret auth.Secret) string { return seal.HashSecret(secret.Reveal()) }

// Exec changes the database, past the store.
func (r *Rooms) Exec(t testing.TB, statement string) {
	t.Helper()
	pool, err := sql.Open("sqlite", "file:"+r.Path)
	if err == nil {
		_, err = pool.Exec(statement)
		err = errors.Join(err, pool.Close())
	}
	if err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}
