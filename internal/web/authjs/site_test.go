package authjs_test

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/revocation"
	"github.com/gatehouse-auth/gatehouse/internal/seal"
	"github.com/gatehouse-auth/gatehouse/internal/session"
	"github.com/gatehouse-auth/gatehouse/internal/signin"
	"github.com/gatehouse-auth/gatehouse/internal/store"
	"github.com/gatehouse-auth/gatehouse/internal/store/sqlstore"
	"github.com/gatehouse-auth/gatehouse/internal/vectors"
	"github.com/gatehouse-auth/gatehouse/internal/web"
	"github.com/gatehouse-auth/gatehouse/internal/web/authjs"
	"github.com/gatehouse-auth/gatehouse/internal/web/mount"
	"github.com/gatehouse-auth/gatehouse/internal/web/pages"
)

// site is the real handler on a real store and the real session room; the
// authenticator, the hooks and the clock are the sequence's.
type site struct {
	handler http.Handler
	index   *revocation.Index
	now     time.Time
}

func (s *site) moveTo(sec int64) {
	s.now = unix(sec)
	s.index.MarkFresh(s.now)
}

// absolute is longer than any sequence lasts.
const absolute = 400 * 24 * time.Hour

// newSite builds the site; with no authenticator given, the sequence's users can
// sign in.
func newSite(t *testing.T, in vectors.Inputs, given ...authjs.Authenticator) *site {
	t.Helper()
	return newSiteWith(t, in, nil, given...)
}

// newSiteWith is newSite with options that the library has none of.
func newSiteWith(t *testing.T, in vectors.Inputs, change func(*authjs.Options), given ...authjs.Authenticator) *site {
	t.Helper()
	s := &site{index: revocation.NewIndex()}
	s.moveTo(1)
	db, err := sqlstore.Open(t.Context(), sqlstore.Options{Path: filepath.Join(t.TempDir(), "g.db"), Migrate: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	rows := revocation.Applying(db, s.index)
	rooms, err := session.New(session.Options{
		Store: rows, Index: s.index, Secrets: []auth.Secret{"a secret of Gatehouse alone, 0123456789"},
		Idle: seconds(in.Session.MaxAge), Absolute: absolute, LocalTrust: seconds(localTrust(in)),
		MaxPerUser: 100, MaxStaleness: time.Hour, Logger: quiet(), Now: func() time.Time { return s.now },
	})
	if err != nil {
		t.Fatal(err)
	}
	var secrets []auth.Secret
	for _, text := range in.Secret {
		secrets = append(secrets, auth.Secret(text))
	}
	m, err := mount.New(rooms, in.Origin, in.BasePath, seal.Dialect(in.Dialect), secrets)
	if err != nil {
		t.Fatal(err)
	}
	m.Sessions.Adopt = adopt(seconds(in.Session.MaxAge))
	hosted, err := pages.New(pages.Options{Name: "Replay", Base: m.Base(), Cookie: m.OwnCookie("language")})
	if err != nil {
		t.Fatal(err)
	}
	provider := in.Providers[0]
	var signIn authjs.Authenticator = &authenticator{inputs: in, store: rows, now: func() time.Time { return s.now }}
	if len(given) > 0 {
		signIn = given[0]
	}
	o := authjs.Options{
		Mount: m, SignIn: signIn, Hosted: hosted,
		Pages:    authjs.AppPages{SignIn: in.Pages.SignIn, SignOut: in.Pages.SignOut, Error: in.Pages.Error, VerifyRequest: in.Pages.VerifyRequest},
		Provider: provider.ID, Name: provider.Name, Hooks: hooks(in.Hooks),
	}
	for _, f := range provider.Fields {
		o.Fields = append(o.Fields, pages.Field{Name: f.Name, Label: pages.Key(f.Label), Type: f.Type})
	}
	if change != nil {
		change(&o)
	}
	s.handler, err = web.NewRouter(authjs.New(o).Endpoints(), web.RouterOptions{Logger: quiet(), Now: func() time.Time { return s.now }})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// localTrust is the life that every seal gets: the library has two settings for
// it, next-auth 4 uses one at sign-in and the other afterwards.
func localTrust(in vectors.Inputs) int64 { return min(in.JWTMaxAge, in.Session.MaxAge) }

func quiet() *slog.Logger { return slog.New(slog.NewTextHandler(io.Discard, nil)) }

func seconds(n int64) time.Duration { return time.Duration(n) * time.Second }

// adopt takes a cookie that the library sealed for the session it names, as a
// migration does: the recorded sequences begin with such cookies.
func adopt(idle time.Duration) session.AdoptFunc {
	return func(_ context.Context, claims []byte, now time.Time, _ auth.Device) (session.Checked, error) {
		if seal.CheckTimes(claims, now) != nil {
			return session.Checked{}, nil
		}
		var c struct {
			Sub string `json:"sub"`
		}
		_ = json.Unmarshal(claims, &c)
		sum := sha256.Sum256([]byte(c.Sub))
		f := session.Facts{
			Start: now.Unix(), AbsoluteEnd: now.Add(absolute).Unix(), IdleEnd: now.Add(idle).Unix(),
			User: [16]byte(sum[:16]), Session: [16]byte(sum[16:]),
		}
		return session.Checked{Verdict: session.Live, Facts: f}, nil
	}
}

// authenticator knows the sequence's users by their passwords.
type authenticator struct {
	inputs vectors.Inputs
	store  store.Store
	now    func() time.Time
	made   int
}

func (a *authenticator) Password(ctx context.Context, typed string, pw auth.Secret, b signin.Browser) (signin.Outcome, error) {
	for _, th := range a.inputs.Throws {
		if th.Username == typed && th.Kind == "error" {
			return signin.Outcome{}, &authjs.AuthorizeError{Message: th.Message}
		}
		if th.Username == typed {
			return signin.Outcome{}, &authjs.AuthorizeError{Code: th.Code}
		}
	}
	for _, u := range a.inputs.Users {
		if u.Username == typed && u.Password == pw.Reveal() {
			return a.begin(ctx, u.User, b)
		}
	}
	return signin.Outcome{}, auth.NewError(auth.CodeInvalidCredentials, nil)
}

// begin starts a session as the sign-in room does, for a row made on the spot.
func (a *authenticator) begin(ctx context.Context, rec vectors.UserRecord, b signin.Browser) (out signin.Outcome, err error) {
	a.made++
	u := auth.User{ID: auth.NewUserID(a.now()), Username: "replayed-" + strconv.Itoa(a.made), CreatedAt: a.now(), UpdatedAt: a.now(), Version: 1}
	if b.Approve != nil {
		if err := b.Approve(ctx, u); err != nil {
			return out, err
		}
	}
	var row session.Begun
	proof := session.Proof{User: u, Subject: rec.ID, Methods: []string{"pwd"}, Replaces: b.Current}
	err = a.store.InTx(ctx, func(tx store.Tx) error {
		if err := tx.CreateUser(ctx, u); err != nil {
			return err
		}
		row, err = b.Mount.Begin(ctx, tx, proof)
		return err
	})
	if err != nil {
		return out, err
	}
	out.Session, out.Token, err = b.Mount.Seal(ctx, row, proof, func(c *session.Claims) {
		for name, value := range map[string]*string{session.ClaimName: rec.Name, session.ClaimEmail: rec.Email, session.ClaimPicture: rec.Image} {
			if value != nil {
				c.SetString(name, *value)
			}
		}
		if b.Claims != nil {
			b.Claims(c)
		}
	})
	return out, err
}

// hooks are the sequence's callbacks.
func hooks(in vectors.Hooks) (h authjs.Hooks) {
	if s := in.SignIn; s != nil {
		h.SignIn = func(context.Context, auth.User) (bool, string, error) {
			if s.Throw != "" {
				return false, "", errors.New(s.Throw)
			}
			redirect, _ := s.Return.(string)
			allow, _ := s.Return.(bool)
			return allow, redirect, nil
		}
	}
	if j := in.JWT; j != nil {
		h.Claims = func(trigger authjs.Trigger, c *session.Claims, data json.RawMessage) bool {
			for _, p := range j.Add {
				c.SetString(p.Claim, p.Text())
			}
			var sent map[string]json.RawMessage
			if trigger == authjs.TriggerUpdate && json.Unmarshal(data, &sent) == nil {
				for _, name := range j.CopyOnUpdate {
					if raw, ok := sent[name]; ok {
						c.Set(name, raw)
					}
				}
			}
			return !j.ReturnNull
		}
	}
	return h
}
