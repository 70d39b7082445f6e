package mount

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/seal"
	"github.com/gatehouse-auth/gatehouse/internal/session"
	"github.com/gatehouse-auth/gatehouse/internal/web/authjs/wire"
)

// ErrCallbackURL says that the callback URL in query, cookie or body is none.
var ErrCallbackURL = wire.ErrCallbackURL

// Mount is one base path. It is safe for concurrent use.
type Mount struct {
	// BasePath begins with a slash and has no final one.
	BasePath string
	Dialect  seal.Dialect
	Sessions *session.Mount
	// ClearSiteData is the header of that name on the answer to a sign-out
	// (Clear Site Data §3.1); empty is none. Set it before use.
	ClearSiteData string

	origin wire.Origin
	names  wire.Names
	csrf   *wire.CSRF
	// iron: the session's cookie is iron-session's, under the application's name.
	iron bool
	// siblings are the other mounts; see Join.
	siblings []*Mount
}

// New returns a Mount. Its sessions are sealed with the given secrets, which
// are shared with the application.
func New(rooms *session.Room, publicOrigin, basePath string, dialect seal.Dialect, secrets []auth.Secret) (*Mount, error) {
	origin, err := wire.ParseOrigin(publicOrigin)
	if err != nil {
		return nil, fmt.Errorf("mount %s: %w", basePath, err)
	}
	m := &Mount{BasePath: basePath, Dialect: dialect, origin: origin, names: wire.CookieNames(dialect, origin.Secure())}
	texts := make([]string, len(secrets))
	for i, s := range secrets {
		texts[i] = s.Reveal()
	}
	if m.csrf, err = wire.NewCSRF(dialect, texts...); err != nil {
		return nil, fmt.Errorf("mount %s: %w", basePath, err)
	}
	if m.Sessions, err = rooms.Mount(basePath, dialect, m.names.Session, secrets); err != nil {
		return nil, fmt.Errorf("mount %s: %w", basePath, err)
	}
	return m, nil
}

// CarryIron makes the session's cookie that of iron-session, under the name that
// the application gives it, before the Mount serves.
func (m *Mount) CarryIron(cookie string, passwords ...seal.IronPassword) error {
	m.iron, m.names.Session = true, cookie
	return m.Sessions.CarryIron(passwords...)
}

// IsV5 says whether the mount speaks the protocol of Auth.js 5.
func (m *Mount) IsV5() bool { return m.Dialect == seal.V5 }

// Origin is the public origin, without a final slash.
func (m *Mount) Origin() string { return m.origin.String() }

// Base is the absolute address of the mount.
func (m *Mount) Base() string { return m.origin.String() + m.BasePath }

// Absolute puts the public origin in front of a path; an address that has a
// scheme stays as it is.
func (m *Mount) Absolute(path string) string {
	if strings.HasPrefix(path, "/") {
		return m.Origin() + path
	}
	return path
}

// Redirect passes an address through the protocol's redirect rule: what leads
// anywhere else than the public origin becomes the origin (authjs.md §3.3).
func (m *Mount) Redirect(address string) string {
	safe, err := m.origin.Redirect(address)
	if err != nil {
		return m.Origin()
	}
	return safe
}

// Now is the time by the injected clock.
func (m *Mount) Now() time.Time { return m.Sessions.Now() }

// Action is the first segment of the address below the base path.
func (m *Mount) Action(r *http.Request) string {
	rest := strings.TrimPrefix(r.URL.Path, m.BasePath+"/")
	action, _, _ := strings.Cut(rest, "/")
	return action
}

// attemptCookie names the cookie that leads from one step of a sign-in to the
// next. It is ours alone; the protocol has none.
func (m *Mount) attemptCookie() string { return m.OwnCookie("attempt") }

// knownCookie names the cookie by which accounts know a browser.
func (m *Mount) knownCookie() string { return m.OwnCookie("known") }

// OwnCookie names a cookie that the protocol does not have, in the style of
// those that it has: "__Host-next-auth." and the name, so that no sibling domain
// can set one of the same name.
func (m *Mount) OwnCookie(name string) string {
	stem := strings.TrimSuffix(wire.CookieNames(m.Dialect, m.origin.Secure()).Session, "session-token")
	if rest, secure := strings.CutPrefix(stem, "__Secure-"); secure {
		stem = "__Host-" + rest
	}
	return stem + name
}
