package gatehouse

import (
	"net/http"
	"net/netip"
	"runtime/debug"
	"slices"
	"time"

	"github.com/gatehouse-auth/gatehouse/internal/management"
	"github.com/gatehouse-auth/gatehouse/internal/ratelimit"
	"github.com/gatehouse-auth/gatehouse/internal/web"
	"github.com/gatehouse-auth/gatehouse/internal/web/guard"
	api "github.com/gatehouse-auth/gatehouse/internal/web/management"
)

// Management says where the management API is served, /api/v1, by which users,
// sessions, roles and API keys are looked after.
type Management struct {
	// Listen is "ops", the listener that is not for browsers; "public", where the
	// mounts are; "both"; or "off". Wherever it is, every operation asks for a
	// permission. Default: "ops".
	Listen string `conf:"listen"`
	// Requests is how many requests each session, token or key may make in a
	// minute. Default: 600.
	Requests int `conf:"requests"`
}

// The places where the management API can be served.
const (
	managementOps    = "ops"
	managementPublic = "public"
	managementBoth   = "both"
	managementOff    = "off"
)

const (
	defaultManagementRequests = 600
	maxManagementRequests     = 1_000_000
)

var managementPlaces = []string{managementOps, managementPublic, managementBoth, managementOff}

func (m *Management) withDefaults() {
	m.Listen = or(m.Listen, managementOps)
	m.Requests = or(m.Requests, defaultManagementRequests)
}

// public says whether the API is served beside the mounts, and ops whether on the
// listener of its operator.
func (m Management) public() bool { return m.Listen == managementPublic || m.Listen == managementBoth }
func (m Management) ops() bool    { return m.Listen == managementOps || m.Listen == managementBoth }

func (c Config) checkManagement(p *Problems) {
	m := c.Management
	if !slices.Contains(managementPlaces, m.Listen) {
		p.add("management.listen", `use "ops", "public", "both" or "off"`, "%q is no place to serve the management API", m.Listen)
	}
	if m.Requests < 1 || m.Requests > maxManagementRequests {
		p.add("management.requests", "use 1 to 1000000; 600 is the default", "%d requests a minute", m.Requests)
	}
	for i, mount := range c.Mounts {
		if m.public() && (mount.BasePath == api.Base || within(mount.BasePath, api.Base)) {
			p.add(mountField(i, "base_path"), "give the mount another path, or the management API another listener with management.listen", "%q is where the management API is", mount.BasePath)
		}
	}
}

// newManagementRoom decides who may change what; the management API and the
// command line both go through it.
func newManagementRoom(cfg Config, r rooms) *management.Room {
	return &management.Room{
		Store: r.store, Users: r.users, Sessions: r.sessions.Operator(), Keys: r.apiKeys, Roles: r.roles, Audit: r.audit, Invitations: r.invitations,
		Policy: r.policy, Now: cfg.Now,
	}
}

// Management does what operators want done, if they may: to users, sessions,
// roles and API keys.
func (g *Gatehouse) Management() *management.Room { return newManagementRoom(g.cfg, g.rooms) }

// newManagement is the management API on the rooms.
func newManagement(cfg Config, r rooms, g func() *guard.Guard) *api.Handler {
	return api.New(api.Options{
		Room: newManagementRoom(cfg, r), Version: moduleVersion(),
		Guard: g, Limits: r.addresses, Limit: ratelimit.Limit{Name: "management", Burst: cfg.Management.Requests, Period: time.Minute}, Now: cfg.Now,
	})
}

// moduleVersion is that of this module in whatever program it is built into.
func moduleVersion() string {
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, m := range append(info.Deps, &info.Main) {
			if m.Path == modulePath && m.Version != "" {
				return m.Version
			}
		}
	}
	return "(devel)"
}

// modulePath is this module's.
const modulePath = "github.com/gatehouse-auth/gatehouse"

// serveManagement makes the handler that serves the management API by itself.
func (g *Gatehouse) serveManagement(resolve func(*http.Request) netip.Addr) error {
	var list []web.Endpoint
	if g.cfg.Management.Listen != managementOff {
		list = newManagement(g.cfg, g.rooms, func() *guard.Guard { return g.guard }).Endpoints()
	}
	router, err := web.NewRouter(list, web.RouterOptions{
		Logger: g.cfg.Logger, ClientAddress: resolve, Observe: g.rooms.telemetry.Observer(), Now: g.cfg.Now, HTTPS: g.cfg.https(),
		Deadline: g.cfg.answerWithin(),
	})
	g.management = router
	return err
}

// ManagementHandler serves the management API, /api/v1, wherever it is put: it
// asks who calls and what they may do by itself. It wants the whole path. With
// Management.Listen "public" or "both" [Gatehouse.Handler] serves it too; with
// "off" every address is 404.
func (g *Gatehouse) ManagementHandler() http.Handler { return g.management }

// ManagementOnOps says whether the settings put the management API on the
// operator's listener.
func (g *Gatehouse) ManagementOnOps() bool { return g.cfg.Management.ops() }
