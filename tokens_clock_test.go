package gatehouse_test

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-auth/gatehouse"
	"github.com/gatehouse-auth/gatehouse/internal/pgtest"
)

// A server whose clock is three seconds behind makes tokens by the clock of the
// database that it shares with the others.
func TestTokens_timesAreOfTheDatabasesClock(t *testing.T) {
	const behind = 3 * time.Second
	cfg := config(t)
	cfg.Database = gatehouse.Database{URL: gatehouse.Secret(pgtest.Shared(t).NewDatabase(t))}
	cfg.Now = func() time.Time { return time.Now().Add(-behind) }
	g := open(t, cfg)
	createAnn(t, g)
	run(t, g)
	before := time.Now().Unix()
	w := call(g, "POST", "/api/auth/token", `{"email":"ann@example.test","password":"`+password+`"}`)
	after := time.Now().Unix()
	var got struct {
		Access string `json:"access_token"`
	}
	if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil || w.Code != http.StatusOK {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	payload, err := base64.RawURLEncoding.DecodeString(strings.Split(got.Access, ".")[1])
	if err != nil {
		t.Fatal(err)
	}
	var c struct{ IAT int64 }
	if err := json.Unmarshal(payload, &c); err != nil || c.IAT < before-1 || c.IAT > after+1 {
		t.Errorf("made at %d, by the database's clock between %d and %d (%v)", c.IAT, before, after, err)
	}
}
