package gatehouse

import (
	"fmt"
	"net/netip"
	"net/url"
	"path"
	"slices"
	"strings"
	"time"

	"golang.org/x/net/http/httpguts"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/store/sqlstore"
)

// Validate checks the configuration as it stands after [Config.WithDefaults]
// and returns a *[Problems] with everything that is wrong, or nil. It reads no
// file and opens no connection.
func (c Config) Validate() error {
	c = c.WithDefaults()
	p := &Problems{}
	c.checkOrigin(p)
	c.checkSecrets(p)
	c.checkMounts(p)
	c.checkDatabase(p)
	c.checkRegistration(p)
	c.checkRoles(p)
	c.checkPassword(p)
	c.checkSession(p)
	c.checkTokens(p)
	c.checkAPIKeys(p)
	c.checkLimits(p)
	c.checkRateLimits(p)
	c.checkRedis(p)
	c.checkKeys(p)
	c.checkManagement(p)
	c.checkAudit(p)
	c.checkClientAddress(p)
	if _, err := auth.CleanName(c.Name); err != nil {
		p.add("name", "give at most 100 characters in one line", "is not a name that can be shown")
	}
	c.checkAppearance(p)
	c.checkCSPReportURL(p)
	return p.err()
}

func (c Config) checkOrigin(p *Problems) {
	if c.PublicOrigin == "" {
		p.add("public_origin", "set it to the address that browsers see, as https://app.example", "is missing")
		return
	}
	switch problem, cure := originProblem(c.PublicOrigin); {
	case problem == "":
	case cure == cureByTLS:
		p.note("public_origin", say("%s", wording{"use https, here or at a proxy that ends TLS", cure}), say("%s", problem))
	default:
		p.add("public_origin", cure, "%s", problem)
	}
}

func mountField(i int, name string) string { return fmt.Sprintf("mounts[%d].%s", i, name) }

func (c Config) checkMounts(p *Problems) {
	if len(c.Mounts) == 0 {
		p.add("mounts", "give at least one, with the secret that the application has", "is missing")
	}
	for i, m := range c.Mounts {
		field := mountField(i, "base_path")
		if problem := basePathProblem(m.BasePath); problem != "" {
			p.add(field, "give a path such as /api/auth", "%q %s", m.BasePath, problem)
		}
		for j, other := range c.Mounts[:i] {
			if m.BasePath == other.BasePath || within(m.BasePath, other.BasePath) || within(other.BasePath, m.BasePath) {
				p.add(field, "give each mount a path of its own, none below another",
					"%q overlaps %q of %s", m.BasePath, other.BasePath, setting(fmt.Sprintf("mounts[%d]", j)))
			}
			if m.Dialect == other.Dialect {
				// Cookie names come from the dialect, and their path is "/".
				p.add(mountField(i, "dialect"), "keep one mount for each dialect; run a second server for a second origin",
					"%q is that of %s too, so the two would overwrite each other's cookies", m.Dialect, setting(fmt.Sprintf("mounts[%d]", j)))
			}
		}
		if m.Dialect != "v4" && m.Dialect != "v5" {
			p.add(mountField(i, "dialect"), `say "v4" for next-auth 4 or "v5" for Auth.js (next-auth 5)`, "%q is not a dialect", m.Dialect)
		}
		c.checkCarrier(p, i)
		c.checkPages(p, i)
		c.checkSessionClaims(p, i)
		checkUpdateFields(p, mountField(i, "update_fields"), m.UpdateFields)
		if m.AdoptUntil.After(c.now().Add(maxAbsoluteLifetime)) {
			p.add(mountField(i, "adopt_until"), "name a day within the next 400: by then every session of the application's own has been here or has ended",
				"lies so far ahead that the migration would never end")
		}
	}
}

func (c Config) now() time.Time {
	if c.Now == nil {
		return time.Now()
	}
	return c.Now()
}

// within says whether p lies below base, segment by segment.
func within(p, base string) bool { return strings.HasPrefix(p, base+"/") }

// basePathProblem accepts only paths that every party spells alike: a proxy, a
// browser and the standard mux may disagree on dots, doubled slashes, escapes
// and braces.
func basePathProblem(s string) string {
	switch {
	case !strings.HasPrefix(s, "/"):
		return "does not begin with a slash"
	case s == "/":
		return "would take the whole site"
	case strings.HasSuffix(s, "/"):
		return "ends with a slash"
	case len(s) > 128:
		return "is longer than 128 characters"
	case strings.ContainsFunc(s, notPathRune):
		return "has characters other than letters, digits, hyphen, dot, underscore and slash"
	case path.Clean(s) != s:
		return "has empty or dot segments"
	}
	return ""
}

func notPathRune(r rune) bool {
	return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-._~/", r))
}

func (c Config) checkPages(p *Problems, i int) {
	pages := c.Mounts[i].Pages
	for _, page := range []struct{ name, address string }{
		{"sign_in", pages.SignIn}, {"sign_out", pages.SignOut}, {"error", pages.Error},
		{"verify_request", pages.VerifyRequest}, {"new_user", pages.NewUser},
	} {
		if page.address == "" {
			continue
		}
		if problem := c.pageProblem(page.address); problem != "" {
			p.add(mountField(i, "pages."+page.name), "give a path of the application such as /login, or leave it out for the hosted page",
				"%q %s", page.address, problem)
		} else if j := c.mountOf(page.address); j >= 0 {
			p.add(mountField(i, "pages."+page.name), "give a path of the application such as /login, or leave it out for the hosted page",
				"%q is below the base path of %s: it would redirect to itself", page.address, setting(fmt.Sprintf("mounts[%d]", j)))
		}
	}
}

// pageProblem refuses what a browser could read as another site: redirects to
// pages carry error names and callback addresses.
func (c Config) pageProblem(s string) string {
	if strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r == 0x7f || r == '\\' }) {
		return "has blanks, control characters or backslashes"
	}
	u, err := url.Parse(s)
	switch {
	case err != nil:
		return "is not an address"
	case u.Fragment != "" || strings.Contains(s, "#"):
		return "has a fragment, which is lost in redirects"
	case strings.HasPrefix(s, "//") || u.Scheme == "" && !strings.HasPrefix(s, "/"):
		return "is neither a path with a leading slash nor a whole address"
	case u.Scheme != "" && (u.User != nil || u.Scheme+"://"+u.Host != c.PublicOrigin):
		return "is not on the public origin"
	}
	return ""
}

// mountOf is the index of the mount that answers at an address, or -1.
func (c Config) mountOf(address string) int {
	u, err := url.Parse(address)
	if err != nil {
		return -1
	}
	clean := path.Clean("/" + u.Path)
	return slices.IndexFunc(c.Mounts, func(m Mount) bool { return clean == m.BasePath || within(clean, m.BasePath) })
}

func checkUpdateFields(p *Problems, field string, names []string) {
	for i, name := range names {
		at := fmt.Sprintf("%s[%d]", field, i)
		switch {
		case name == "none" && len(names) > 1:
			p.add(at, `give "none" alone, or leave it out`, `"none" stands beside others`)
		case name != "none" && name != "name" && name != "image":
			p.add(at, `choose of "name" and "image", or "none" alone`, "%q is not a field that users may change", name)
		case slices.Contains(names[:i], name):
			p.add(at, "name it once", "%q is named twice", name)
		}
	}
}

func (c Config) checkDatabase(p *Problems) {
	name := c.Database.Path
	switch {
	case strings.Contains(name, ":memory:"):
		p.add("database.path", "name a file; for tests, one in a temporary folder", "asks for a database in memory, which forgets revocations")
	case strings.HasPrefix(name, "file:") || strings.ContainsAny(name, "?#\x00"):
		p.add("database.path", "give the plain path of a file, or name a PostgreSQL database with database.url", "is an address, not a path")
	}
	c.checkPostgres(p)
}

func (c Config) checkPostgres(p *Problems) {
	d := c.Database
	if d.URL == "" && d.FeedURL != "" {
		p.add("database.feed_url", "give database.url too, or remove it", "stands without database.url")
	}
	if d.URL != "" && d.Path != "" {
		p.add("database.path", "keep one of them", "stands beside database.url")
	}
	for field, url := range map[string]auth.Secret{"database.url": d.URL, "database.feed_url": d.FeedURL} {
		if url == "" {
			continue
		}
		if err := sqlstore.CheckURL(url); err != nil {
			p.add(field, "give postgres://user:password@host:5432/database?sslmode=verify-full, with %XX for special characters in user and password", "%s", err)
		}
	}
	p.bound("database.max_connections", d.MaxConnections, 1, maxMaxConnections, "")
	p.between("database.statement_timeout", d.StatementTimeout, leastStatementTimeout, maxStatementTimeout)
}

func (c Config) checkRegistration(p *Problems) {
	if m := c.Registration.Mode; m != "open" && m != "invitation" && m != "closed" {
		p.add("registration.mode", `say "open", "invitation" or "closed"`, "%q is not a mode", m)
	}
	if _, err := auth.CleanRoles(c.Registration.Roles); err != nil {
		p.add("registration.roles", "give at most 32 roles of 1 to 64 letters, digits, colon, dot, hyphen or underscore", "has a role that cannot be")
	}
}

func (c Config) checkPassword(p *Problems) {
	w := c.Password
	switch {
	case w.MinLength < 8:
		p.add("password.min_length", "give 15 to 64", "%d is too few", w.MinLength)
	case w.MinLength < defaultMinLength:
		p.add("password.min_length", "give 15 to 64", "%d is too few while the password is the only factor; no second one is enforced yet", w.MinLength)
	case w.MinLength > maxMinLength:
		p.add("password.min_length", "give 15 to 64", "%d is too many: passwords of 64 characters must be good enough", w.MinLength)
	}
	for i, word := range w.ContextWords {
		if strings.TrimSpace(word) == "" {
			p.add(fmt.Sprintf("password.context_words[%d]", i), "give a word or remove the line", "is empty")
		}
	}
	if strings.ContainsRune(w.BreachedFile, 0) {
		p.add("password.breached_file", "give the plain path of a file", "has a null byte")
	}
	p.bound("password.memory_kib", w.MemoryKiB, minMemoryKiB, maxMemoryKiB, "below it guessing is too cheap (RFC 9106), and it counts KiB, not bytes")
	p.bound("password.passes", w.Passes, minPasses, maxPasses, "below it guessing is too cheap (RFC 9106)")
	p.bound("password.lanes", w.Lanes, minLanes, maxLanes, "")
	p.bound("password.workers", w.Workers, 1, 1024, "")
	p.bound("password.queue", w.Queue, 1, 1<<16, "")
}

func (c Config) checkSession(p *Problems) {
	s := c.Session
	p.bound("session.max_per_user", s.MaxPerUser, 1, maxMaxPerUser, "")
	p.bound("session.index_limit", s.IndexLimit, leastIndexLimit, maxIndexLimit, "")
	p.bound("session.cache_entries", s.CacheEntries, minCacheEntries, maxCacheEntries, "")
	p.between("session.absolute_lifetime", s.AbsoluteLifetime, time.Minute, maxAbsoluteLifetime)
	p.between("session.max_age", s.MaxAge, time.Second, maxAbsoluteLifetime)
	p.between("session.local_trust", s.LocalTrust, time.Second, maxAbsoluteLifetime)
	p.between("session.max_staleness", s.MaxStaleness, time.Second, maxMaxStaleness)
	for i, kind := range s.ClearSiteData {
		at := fmt.Sprintf("session.clear_site_data[%d]", i)
		switch {
		case !slices.Contains(siteData, kind):
			p.add(at, `choose of "cache", "cookies" and "storage"`, "%q is nothing that can be deleted at sign-out", kind)
		case slices.Contains(s.ClearSiteData[:i], kind):
			p.add(at, "name it once", "%q is named twice", kind)
		}
	}
	if s.MaxAge > s.AbsoluteLifetime && s.AbsoluteLifetime > 0 {
		longest := setting("session.absolute_lifetime")
		p.note("session.max_age", say("shorten it, or lengthen %s", longest),
			say("%s is longer than %s, %s", plain(s.MaxAge), longest, plain(s.AbsoluteLifetime)))
	}
	if s.LocalTrust > s.MaxAge && s.MaxAge > 0 {
		longest := setting("session.max_age")
		p.note("session.local_trust", say("shorten it, or lengthen %s", longest),
			say("%s is longer than %s, %s", plain(s.LocalTrust), longest, plain(s.MaxAge)))
	}
}

func (c Config) checkLimits(p *Problems) {
	l := c.Limits
	p.bound("limits.account_failures", l.AccountFailures, 1, maxAccountFailures, "more would let an attacker guess on")
	p.between("limits.account_max_delay", l.AccountMaxDelay, time.Second, day)
	p.bound("limits.address_failures", l.AddressFailures, 1, 1<<20, "")
	p.between("limits.address_period", l.AddressPeriod, time.Second, day)
	p.bound("limits.unknown_failures", l.UnknownFailures, 1, 1<<20, "")
	if n := l.Registrations; n < 1 || n > 1<<20 {
		p.note("limits.registrations", say(`give 1 to %d: to allow none, set %s to "closed"`, 1<<20, setting("registration.mode")), say("%d is out of bounds", n))
	}
}

func (c Config) checkClientAddress(p *Problems) {
	a := c.ClientAddress
	for i, hop := range a.TrustedProxies {
		if problem, cure := proxyProblem(hop); problem != "" {
			p.add(fmt.Sprintf("client_address.trusted_proxies[%d]", i), cure, "%q %s", hop, problem)
		}
	}
	if !httpguts.ValidHeaderFieldName(a.Header) {
		p.add("client_address.header", "name one header, as X-Forwarded-For", "%q is not the name of a header", a.Header)
	}
}

// proxyProblem refuses networks so wide that anybody would be a trusted hop
// and could forge the address that limits and records rest on.
func proxyProblem(s string) (problem, cure string) {
	const give = "give an address or a network, as 10.0.0.2 or 10.0.0.0/24"
	if a, err := netip.ParseAddr(s); err == nil {
		switch {
		case a.Zone() != "" || a.Is4In6():
			return "is not in its plain form", "write " + a.WithZone("").Unmap().String()
		case a.IsUnspecified():
			return "is no host", give
		}
		return "", ""
	}
	n, err := netip.ParsePrefix(s)
	switch {
	case err != nil:
		return "is neither an IP address nor a network", give
	case n.Addr().Is4In6():
		return "is an IPv4 network in IPv6 clothing", "write it as IPv4"
	case n.Bits() == 0:
		return "trusts the whole internet: every caller could forge its address", "name your own proxies alone"
	case n.Addr().Is4() && n.Bits() < 8 || n.Addr().Is6() && n.Bits() < 16 && !(n.Addr().IsPrivate() && n.Bits() >= 7):
		return "is wider than any network of proxies", "name your own proxies alone"
	case n.Masked() != n:
		return "has bits set beyond its length", "write " + n.Masked().String() + " if the whole network is meant, else " + n.Addr().String()
	}
	return "", ""
}

// bound notes a number outside least and most.
func (p *Problems) bound(field string, v, least, most int, why string) {
	if v >= least && v <= most {
		return
	}
	if why != "" {
		why = ": " + why
	}
	p.add(field, fmt.Sprintf("give %d to %d%s", least, most, why), "%d is out of bounds", v)
}

// between notes a duration outside least and most, or not of whole seconds:
// seconds are all that cookies and headers can say.
func (p *Problems) between(field string, d, least, most time.Duration) {
	switch {
	case d < least || d > most:
		p.add(field, fmt.Sprintf("give %s to %s", plain(least), plain(most)), "%s is out of bounds", plain(d))
	case d%time.Second != 0:
		p.add(field, "give whole seconds", "%v has a fraction of a second", d)
	}
}

// plain prints a duration as the configuration file writes it: "30d", "1d12h",
// "15m".
func plain(d time.Duration) string {
	rest := (d % day).String()
	if strings.HasSuffix(rest, "m0s") {
		rest = rest[:len(rest)-2]
	}
	if strings.HasSuffix(rest, "h0m") {
		rest = rest[:len(rest)-2]
	}
	switch {
	case d < day:
		return rest
	case d%day == 0:
		return fmt.Sprintf("%dd", d/day)
	}
	return fmt.Sprintf("%dd%s", d/day, rest)
}
