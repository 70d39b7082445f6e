package roomtest

import (
	"encoding/json"
	"testing"

	"github.com/gatehouse-auth/gatehouse/internal/seal"
	"github.com/gatehouse-auth/gatehouse/internal/web/authjs/wire"
	"github.com/gatehouse-auth/gatehouse/internal/web/mount"
)

// App is the application behind a mount: it holds [AppSecret], so it can read
// the session cookie and write what it likes into one.
type App struct {
	t      testing.TB
	sealer *seal.Sealer
}

// AppOf returns the application of a mount.
func AppOf(t testing.TB, m *mount.Mount) App {
	t.Helper()
	salt := ""
	if m.IsV5() {
		salt = wire.CookieNames(seal.V5, true).Session
	}
	sealer, err := seal.New(m.Dialect, salt, AppSecret.Reveal())
	if err != nil {
		t.Fatalf("application's sealer: %v", err)
	}
	return App{t, sealer}
}

// Open returns the claims of a cookie.
func (a App) Open(token string) map[string]json.RawMessage {
	a.t.Helper()
	text, err := a.sealer.Open(token)
	if err != nil {
		a.t.Fatalf("the application cannot open the cookie: %v", err)
	}
	var claims map[string]json.RawMessage
	if err := json.Unmarshal(text, &claims); err != nil {
		a.t.Fatalf("claims: %v", err)
	}
	return claims
}

// Seal makes a cookie of the claims.
func (a App) Seal(claims map[string]json.RawMessage) string {
	a.t.Helper()
	text, err := json.Marshal(claims)
	if err != nil {
		a.t.Fatalf("claims: %v", err)
	}
	return a.SealText(string(text))
}

// SealText makes a cookie of any text that is a JSON object.
func (a App) SealText(claims string) string {
	a.t.Helper()
	token, err := a.sealer.Seal([]byte(claims))
	if err != nil {
		a.t.Fatalf("the application cannot seal %s: %v", claims, err)
	}
	return token
}

// Change opens a cookie, lets do alter the claims and seals them again.
func (a App) Change(token string, do func(claims map[string]json.RawMessage)) string {
	a.t.Helper()
	claims := a.Open(token)
	do(claims)
	return a.Seal(claims)
}
