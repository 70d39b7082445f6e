package gatehouse

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/net/http/httpguts"
)

// What a session's cookie may be.
const (
	carrierSealed = "sealed"
	carrierStored = "stored"
	carrierIron   = "iron"
)

func (c Config) checkCarrier(p *Problems, i int) {
	m := c.Mounts[i]
	switch m.Carrier {
	case carrierSealed, carrierStored, carrierIron:
	default:
		p.add(mountField(i, "carrier"), `say "sealed", "stored" or "iron"`, "%q is no carrier", m.Carrier)
		return
	}
	if m.Carrier != carrierSealed && !m.AdoptUntil.IsZero() {
		p.add(mountField(i, "adopt_until"), `remove it, or migrate with the carrier "sealed" first`,
			"sessions of NextAuth go on in its own cookies alone, not with the carrier %q", m.Carrier)
	}
	c.checkIron(p, i, m.Carrier == carrierIron)
	if m.Carrier == carrierIron {
		return
	}
	if m.Iron.Cookie != "" || len(m.Iron.IDs) > 0 {
		p.add(mountField(i, "iron"), `remove it, or set the carrier to "iron"`, "says something of a cookie that the mount does not have")
	}
}

// checkIron looks at the form of what is said, and at the whole where it is
// needed.
func (c Config) checkIron(p *Problems, i int, needed bool) {
	iron := c.Mounts[i].Iron
	if problem := c.ironCookieProblem(iron.Cookie); problem != "" && (needed || iron.Cookie != "") {
		p.add(mountField(i, "iron.cookie"), "give the cookieName that the application has", "%s", problem)
	}
	for j, other := range c.Mounts[:i] {
		if other.Carrier == carrierIron && overlap(iron.Cookie, other.Iron.Cookie) {
			p.add(mountField(i, "iron.cookie"), "give each mount a cookie of its own", "overlaps that of %s", setting(fmt.Sprintf("mounts[%d]", j)))
		}
	}
	ids := mountField(i, "iron.ids")
	if needed && len(iron.IDs) != len(c.Mounts[i].Secrets) {
		p.add(ids, "give one for each secret, as the application's map of passwords has them", "has %d IDs for %d secrets", len(iron.IDs), len(c.Mounts[i].Secrets))
	}
	for k, id := range iron.IDs {
		switch at := fmt.Sprintf("%s[%d]", ids, k); {
		case !ironID(id):
			p.add(at, "give a number, 1 or more", "%q is no ID that iron-session takes", id)
		case slices.Contains(iron.IDs[:k], id):
			p.add(at, "give each password an ID of its own", "%s is given twice", id)
		}
	}
}

// ironCookieProblem keeps the application's name away from those that the
// protocol's readers take for their own by their beginning.
func (c Config) ironCookieProblem(name string) string {
	bare := strings.TrimPrefix(strings.TrimPrefix(name, "__Secure-"), "__Host-")
	switch {
	case name == "":
		return "is missing"
	case len(name) > 128 || !httpguts.ValidHeaderFieldName(name):
		return "is not the name of a cookie"
	case bare == "" || strings.HasPrefix(bare, "next-auth") || strings.HasPrefix(bare, "authjs"):
		return "is a name that Auth.js has cookies of"
	case bare != name && !c.https():
		return "promises https, and the public origin is not"
	}
	return ""
}

// ironID says whether iron-session takes the ID, which is a whole number there.
func ironID(s string) bool {
	n, err := strconv.ParseUint(s, 10, 31)
	return err == nil && n > 0 && strconv.FormatUint(n, 10) == s
}

// overlap says whether one name is the other, or the beginning of its chunks.
func overlap(a, b string) bool {
	return a == b || strings.HasPrefix(a, b+".") || strings.HasPrefix(b, a+".")
}
