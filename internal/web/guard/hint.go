package guard

import (
	"net/http"

	"github.com/gatehouse-auth/gatehouse/internal/session"
	"github.com/gatehouse-auth/gatehouse/internal/web/mount"
)

// Hint is what the session cookies of a request say by themselves, with nobody
// asked. Where two mounts know a session, the later sign-in counts, as in
// [Guard.Identify].
func (g *Guard) Hint(r *http.Request) (chosen session.Hint, ok bool) {
	if len(r.Header["Cookie"]) == 0 {
		return chosen, false
	}
	var x *mount.Exchange
	for i, m := range g.Mounts {
		if i == 0 {
			x = m.Bare(nil, r)
		} else {
			x = x.At(m)
		}
		if h, good := x.Hint(); good && (!ok || h.Start > chosen.Start) {
			chosen, ok = h, true
		}
	}
	return chosen, ok
}
