package gatehouse

import (
	"log/slog"
	"net/http"
	"path"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/gatehouse-auth/gatehouse/internal/web/mount"
)

// wiring serves requests, and says once in the log when they come for an action
// of Auth.js and yet to no mount: then a prefix was cut off on the way, or the
// base path is another one. Once a request has come to a mount the wiring is
// right, and whoever tries addresses out makes no line.
type wiring struct {
	http.Handler
	mounts []*mount.Mount
	logger *slog.Logger
	// settled: there is nothing to say any more.
	settled atomic.Bool
}

// actions are those by which a misdirected request is known. Only these words
// are logged, never an address.
var actions = []string{"signin", "signout", "session", "csrf", "providers", "callback"}

func (h *wiring) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !h.settled.Load() {
		h.look(r.URL.Path)
	}
	h.Handler.ServeHTTP(w, r)
}

func (h *wiring) look(asked string) {
	bases := make([]string, 0, len(h.mounts))
	for _, m := range h.mounts {
		if asked == m.BasePath || within(asked, m.BasePath) {
			h.settled.Store(true)
			return
		}
		bases = append(bases, m.BasePath)
	}
	action := path.Base(asked)
	if action == credentialsID {
		action = path.Base(path.Dir(asked))
	}
	if slices.Contains(actions, action) && h.settled.CompareAndSwap(false, true) {
		h.logger.Warn("a request for an action of Auth.js came to no mount: make Mount.BasePath the path that browsers ask for, "+
			"mount the Handler there, and cut no prefix off on the way (http.StripPrefix, a rewrite of a proxy)",
			"action", action, "base_paths", strings.Join(bases, " "))
	}
}
