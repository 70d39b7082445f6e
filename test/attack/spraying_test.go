package attack_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/gatehouse-auth/gatehouse"
	hashing "github.com/gatehouse-auth/gatehouse/internal/password"
	"github.com/gatehouse-auth/gatehouse/internal/user"
)

// street is a site that counts its hashes. Its time stands still unless it is
// moved, so that no wait is over before the test says so.
type street struct {
	*site
	clock   *clock
	metrics *prometheus.Registry
}

func newStreet(t *testing.T, change func(*gatehouse.Config)) street {
	t.Helper()
	st := street{clock: &clock{}, metrics: prometheus.NewRegistry()}
	begun := time.Now()
	st.site = newSite(t, func(c *gatehouse.Config) {
		c.Now = func() time.Time { return begun.Add(time.Duration(st.clock.ahead.Load())) }
		c.Metrics = st.metrics
		if change != nil {
			change(c)
		}
	})
	return st
}

// usualHash is a hash of the usual password, to be made once for many sites.
func usualHash(t *testing.T) string {
	t.Helper()
	hasher, err := hashing.New(hashing.Options{Params: hashing.Params{Memory: 19456, Passes: 2, Lanes: 1}, Gate: hashing.NewGate(1, 1)})
	if err != nil {
		t.Fatal(err)
	}
	hash, err := hasher.Hash(t.Context(), password)
	if err != nil {
		t.Fatal(err)
	}
	return hash
}

func (st street) importUsers(t *testing.T, hash string, emails ...string) {
	t.Helper()
	for _, email := range emails {
		if _, err := st.Users().Import(t.Context(), "test", user.New{Email: email, PasswordHash: hash}); err != nil {
			t.Fatal(err)
		}
	}
}

// hashes is how many password hashes have been computed.
func (st street) hashes(t *testing.T) (n uint64) {
	t.Helper()
	all, err := st.metrics.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range all {
		if family.GetName() == "gatehouse_password_hash_duration_seconds" {
			for _, m := range family.GetMetric() {
				n += m.GetHistogram().GetSampleCount()
			}
		}
	}
	return n
}

// caller is one who tries: where the connection comes from, what the request
// says of that, and what the browser keeps.
type caller struct {
	peer   string
	header http.Header
	known  string
}

// try signs in at the JSON endpoint as the caller.
func (st street) try(c caller, identifier, pw string) answer {
	body, _ := json.Marshal(map[string]string{"identifier": identifier, "password": pw})
	r := httptest.NewRequest(http.MethodPost, "http://gatehouse.internal"+v4.base+"/login", strings.NewReader(string(body)))
	r.RemoteAddr = netip.AddrPortFrom(netip.MustParseAddr(c.peer), 40000).String()
	for name, values := range c.header {
		r.Header[name] = values
	}
	r.Header.Set("Content-Type", jsonType)
	if c.known != "" {
		r.Header.Set("Cookie", v4.stem+"known="+c.known)
	}
	w := httptest.NewRecorder()
	st.Handler().ServeHTTP(w, r)
	return answer{w.Code, w.Header(), w.Body.String()}
}

// knownTo signs in rightly and returns what the browser keeps of it.
func (st street) knownTo(t *testing.T, c caller, email string) string {
	t.Helper()
	known := st.try(c, email, password).cookies()[v4.stem+"known"]
	if known == "" {
		t.Fatalf("%s is known by nothing", email)
	}
	return known
}

// forged says in every header that a proxy could be asked by that the i-th caller
// comes from somewhere new.
func forged(i int) http.Header {
	h := http.Header{}
	four, six := fmt.Sprintf("198.51.%d.%d", i/250, i%250+1), fmt.Sprintf("2001:db8:%x::1", i)
	for _, name := range []string{
		"X-Forwarded-For", "X-Real-Ip", "True-Client-Ip", "Cf-Connecting-Ip", "Cf-Connecting-Ipv6", "X-Client-Ip", "X-Cluster-Client-Ip", "Fastly-Client-Ip", "X-Originating-Ip",
		"X-Remote-Ip", "X-Remote-Addr", "Client-Ip", "X-Azure-Clientip", "Fly-Client-Ip", "X-Appengine-User-Ip", "X-Envoy-External-Address", "Forwarded-For", "X-Forwarded", "X-Proxyuser-Ip",
	} {
		h[name] = []string{four}
	}
	h["Forwarded"] = []string{`for="[` + six + `]";proto=https`, "for=" + four}
	return h
}

// behind is what a proxy makes of forged headers: it appends the address that it
// sees, or sets the one header that it owns.
func behind(i int, real string) http.Header {
	h := forged(i)
	h.Add("X-Forwarded-For", h.Get("X-Forwarded-For")+", "+real)
	h["X-Forwarded-For"] = h["X-Forwarded-For"][1:]
	return h
}

// trustModes are the ways in which the address of a caller is known, and how one
// attacker tries to come from somewhere new each time. other is an honest caller.
var trustModes = map[string]struct {
	trust    gatehouse.ClientAddress
	attacker func(i int) caller
	other    caller
	// shared: nobody's address is known, so the attacker holds up all unknown
	// browsers.
	shared bool
}{
	"nobody is known": {
		gatehouse.ClientAddress{}, func(i int) caller { return caller{peer: fmt.Sprintf("203.0.113.%d", i+1), header: forged(i)} },
		caller{peer: "192.0.2.77"}, true,
	},
	"the peer is the client": {
		gatehouse.ClientAddress{PeerIsClient: true}, func(i int) caller { return caller{peer: "203.0.113.9", header: forged(i)} },
		caller{peer: "192.0.2.77"}, false,
	},
	"the peer is the client, by IPv6": {
		gatehouse.ClientAddress{PeerIsClient: true}, func(i int) caller {
			return caller{peer: fmt.Sprintf("2001:db8:9:9:%x::%x", i+1, i*7), header: forged(i)}
		},
		caller{peer: "2001:db8:9:a::1"}, false,
	},
	"a proxy appends": {
		gatehouse.ClientAddress{TrustedProxies: []string{"10.0.0.0/8"}},
		func(i int) caller {
			return caller{peer: fmt.Sprintf("10.0.0.%d", i+1), header: behind(i, "203.0.113.9")}
		},
		caller{peer: "10.0.0.1", header: behind(99, "192.0.2.77")}, false,
	},
	"a proxy appends, and the attacker goes round it": {
		gatehouse.ClientAddress{TrustedProxies: []string{"10.0.0.0/8"}}, func(i int) caller { return caller{peer: "203.0.113.9", header: forged(i)} },
		caller{peer: "10.0.0.1", header: behind(99, "192.0.2.77")}, false,
	},
	"a proxy appends, and the attacker writes nonsense behind it": {
		gatehouse.ClientAddress{TrustedProxies: []string{"10.0.0.0/8"}},
		func(i int) caller {
			return caller{peer: "10.0.0.1", header: http.Header{"X-Forwarded-For": {fmt.Sprintf("198.51.100.%d, nonsense", i)}}}
		},
		caller{peer: "10.0.0.1", header: behind(99, "192.0.2.77")}, false,
	},
	"a proxy sets a header of its own": {
		gatehouse.ClientAddress{TrustedProxies: []string{"10.0.0.0/8"}, Header: "CF-Connecting-IP"},
		func(i int) caller {
			h := forged(i)
			h["Cf-Connecting-Ip"] = []string{"203.0.113.9"}
			return caller{peer: "10.0.0.1", header: h}
		},
		caller{peer: "10.0.0.1", header: http.Header{"Cf-Connecting-Ip": {"192.0.2.77"}}}, false,
	},
	"a proxy sets a header, and the attacker sends it twice": {
		gatehouse.ClientAddress{TrustedProxies: []string{"10.0.0.0/8"}, Header: "CF-Connecting-IP"},
		func(i int) caller {
			return caller{peer: "10.0.0.1", header: http.Header{"Cf-Connecting-Ip": {fmt.Sprintf("198.51.100.%d", i), "203.0.113.9"}}}
		},
		caller{peer: "10.0.0.1", header: http.Header{"Cf-Connecting-Ip": {"192.0.2.77"}}}, false,
	},
}

// altered is another text than the one given, by its last byte.
func altered(text string) string {
	last := "A"
	if strings.HasSuffix(text, last) {
		last = "Q"
	}
	return text[:len(text)-1] + last
}

// One password at many accounts, and each time from somewhere new by whatever the
// attacker can write: the limit falls after the number that is documented, before
// any hashing, and a list of stolen pairs finds no door either. Others, and the
// owner of an account in their own browser, are not held up; and it ends.
//
// proves: ASVS 6.3.1, ASVS 2.3.2, ASVS 15.3.4, NEXT-7, NEXT-8, NEXT-9, CB-26
func TestSpraying_isLimitedInEveryTrustMode(t *testing.T) {
	const limit = 4
	hash := usualHash(t)
	for name, mode := range trustModes {
		t.Run(name, func(t *testing.T) {
			st := newStreet(t, func(c *gatehouse.Config) {
				c.ClientAddress = mode.trust
				c.Limits.AddressFailures, c.Limits.UnknownFailures = limit, limit
			})
			st.importUsers(t, hash, "victim@app.example", "attacker@app.example")
			owner := mode.attacker(200) // at home in the attacker's own network
			owner.known = st.knownTo(t, mode.other, "victim@app.example")
			own := st.knownTo(t, mode.other, "attacker@app.example")
			for i := range limit {
				c := mode.attacker(i)
				c.known = []string{"", own, "x.y", strings.Repeat(own+"~", 4)}[i%4]
				if a := st.try(c, fmt.Sprintf("name%d@app.example", i), "Spring 2026! Spring 2026!"); a.status != http.StatusUnauthorized {
					t.Fatalf("try %d: %d", i+1, a.status)
				}
			}
			hashed := st.hashes(t)
			for i := range 10 {
				c := mode.attacker(limit + i)
				c.known = []string{"", own, altered(owner.known), own + "~" + own}[i%4]
				identifier := fmt.Sprintf("name%d@app.example", limit+i)
				if i%3 == 2 {
					identifier = "victim@app.example" // with the right password, as from a stolen list
				}
				a := st.try(c, identifier, password)
				if wait, _ := strconv.Atoi(a.header.Get("Retry-After")); a.status != http.StatusTooManyRequests || wait < 1 || a.beginsSession() {
					t.Errorf("try %d: %d, Retry-After %q", limit+i+1, a.status, a.header.Get("Retry-After"))
				}
			}
			if got := st.hashes(t); got != hashed {
				t.Errorf("%d hashes were computed for those refused", got-hashed)
			}
			if a := st.try(owner, "victim@app.example", password); a.status != http.StatusOK {
				t.Errorf("the owner in a known browser: %d %s", a.status, a.body)
			}
			want := http.StatusOK
			if mode.shared {
				want = http.StatusTooManyRequests
			}
			if a := st.try(mode.other, "victim@app.example", password); a.status != want {
				t.Errorf("somebody from elsewhere: %d, want %d", a.status, want)
			}
			st.clock.advance(16 * time.Minute)
			st.untilReady(t)
			if a := st.try(mode.attacker(240), "victim@app.example", password); a.status != http.StatusOK {
				t.Errorf("when it is over: %d", a.status)
			}
		})
	}
}

// Signing in to an account of one's own between the guesses buys no further
// guesses: a right password gives back what it had cost, and no more.
//
// proves: ASVS 6.3.1
func TestStuffing_anAccountOfOnesOwnBuysNoGuesses(t *testing.T) {
	st := newStreet(t, func(c *gatehouse.Config) {
		c.ClientAddress.PeerIsClient, c.Limits.AddressFailures = true, 4
	})
	st.newUser(t, "attacker@app.example")
	attacker := caller{peer: "203.0.113.9"}
	wrong := 0
	for i := range 12 {
		if a := st.try(attacker, fmt.Sprintf("name%d@app.example", i), "Spring 2026! Spring 2026!"); a.status == http.StatusUnauthorized {
			wrong++
		}
		attacker.known = ""
		if a := st.try(attacker, "attacker@app.example", password); a.status == http.StatusOK && i > 4 {
			t.Errorf("round %d: the attacker's own account opens during the wait", i)
		}
	}
	if wrong != 4 {
		t.Errorf("%d guesses were judged, want 4", wrong)
	}
}

// A network full of addresses guesses at one account: each has its own allowance,
// and the account has one. The owner gets in by a known browser, from within the
// same network, with as many mistakes as anybody; and a browser that is known to
// somebody else is not known here.
//
// proves: ASVS 6.3.1, CS-6, CB-26
func TestStuffing_manyNetworksShareTheAllowanceOfTheAccount(t *testing.T) {
	st := newStreet(t, func(c *gatehouse.Config) { c.ClientAddress.PeerIsClient = true })
	st.newUser(t, "victim@app.example")
	st.newUser(t, "attacker@app.example")
	known := st.knownTo(t, caller{peer: "192.0.2.1"}, "victim@app.example")
	stranger := st.knownTo(t, caller{peer: "192.0.2.2"}, "attacker@app.example")
	from := func(i int) caller { return caller{peer: fmt.Sprintf("2001:db8:%x:%x::1", i, i)} } // a /64 each
	judged := 0
	for i := range 40 {
		c := from(i)
		if i%2 == 0 {
			c.known = stranger
		}
		switch a := st.try(c, "victim@app.example", "wrong"); a.status {
		case http.StatusUnauthorized:
			judged++
		case http.StatusTooManyRequests:
		default:
			t.Errorf("try %d: %d", i, a.status)
		}
	}
	if judged != 5 {
		t.Errorf("%d guesses were judged, want 5", judged)
	}
	owner := from(3)
	owner.known = known
	for i := range 4 {
		if a := st.try(owner, "victim@app.example", "mistyped"); a.status != http.StatusUnauthorized {
			t.Errorf("mistake %d of the owner: %d", i+1, a.status)
		}
	}
	if a := st.try(caller{peer: "192.0.2.9"}, "victim@app.example", password); a.status != http.StatusTooManyRequests {
		t.Errorf("the control: an unknown browser is answered %d", a.status)
	}
	if a := st.try(owner, "victim@app.example", password); a.status != http.StatusOK {
		t.Errorf("the owner: %d %s", a.status, a.body)
	}
}

// The whole of a /64 is one caller, and the next is another.
//
// proves: NEXT-8
func TestSpraying_aSubscribersAddressesAreOne(t *testing.T) {
	st := newStreet(t, func(c *gatehouse.Config) {
		c.ClientAddress.PeerIsClient, c.Limits.AddressFailures = true, 3
	})
	for i, c := range []struct {
		peer string
		want int
	}{
		{"2001:db8:1:1::1", 401}, {"2001:db8:1:1:ffff:ffff:ffff:ffff", 401}, {"2001:db8:1:1:8000::", 401},
		{"2001:db8:1:1::2", 429}, {"2001:db8:1:1:1::", 429}, {"2001:db8:1:2::1", 401},
		{"::ffff:203.0.113.1", 401}, {"203.0.113.1", 401}, {"::ffff:203.0.113.1", 401}, {"203.0.113.1", 429}, {"203.0.113.2", 401},
	} {
		if a := st.try(caller{peer: c.peer}, fmt.Sprintf("name%d@app.example", i), "wrong"); a.status != c.want {
			t.Errorf("try %d, from %s: %d, want %d", i, c.peer, a.status, c.want)
		}
	}
}

// Passwords that are too long are refused before hashing, at every door, in every
// writing, and for as long as anybody likes; the limit is exact.
//
// proves: CS-2, CB-25, ASVS 15.2.2
func TestLongPasswords_areRefusedBeforeHashing(t *testing.T) {
	st := newStreet(t, func(c *gatehouse.Config) { c.Limits.AccountFailures = 100 })
	st.newUser(t, "victim@app.example")
	b := st.browser(v4).signIn(t, "victim@app.example", password)
	token := b.token()
	doors := map[string]func(pw string) answer{
		"sign-in":         func(pw string) answer { return st.login("victim@app.example", pw) },
		"sign-in, nobody": func(pw string) answer { return st.login("nobody@app.example", pw) },
		"sign-in, form": func(pw string) answer {
			return b.do(http.MethodPost, "/callback/credentials", formType, encode(map[string]string{"identifier": "victim@app.example", "password": pw}, token))
		},
		"sign-up": func(pw string) answer {
			return b.json("/register", map[string]any{"identifier": "new@app.example", "password": pw})
		},
		"sign-up, form": func(pw string) answer {
			return b.do(http.MethodPost, "/signup", formType, encode(map[string]string{"identifier": "new@app.example", "password": pw}, token))
		},
		"change": func(pw string) answer {
			return b.json("/change-password", map[string]any{"currentPassword": pw, "newPassword": "eleven blue boats in fog"})
		},
		"change, form": func(pw string) answer {
			return b.do(http.MethodPost, "/account/password", formType, encode(map[string]string{"currentPassword": pw, "newPassword": pw}, token))
		},
		"deletion": func(pw string) answer { return b.json("/delete-account", map[string]any{"password": pw}) },
		"deletion, form": func(pw string) answer {
			return b.do(http.MethodPost, "/account/delete", formType, encode(map[string]string{"password": pw}, token))
		},
		"new, no attempt": func(pw string) answer {
			return b.do(http.MethodPost, "/new-password", formType, encode(map[string]string{"newPassword": pw}, token))
		},
	}
	floods := map[string]string{
		"257 characters": strings.Repeat("a", 257), "257 of four bytes": strings.Repeat("\U0001f600", 257), "a thousand": strings.Repeat("\u00e9", 1000),
		"sixty thousand": strings.Repeat("a", 60000), "a megabyte": strings.Repeat("a", 1<<20), "ten megabytes of four bytes": strings.Repeat("\U0001f600", 10<<18),
		// U+FB2C becomes three characters in the stable form, U+0344 two, U+1D160 three.
		"what the stable form multiplies": strings.Repeat("\ufb2c", 256), "and by two": strings.Repeat("\u0344", 200), "and outside the plane": strings.Repeat("\U0001d160", 100),
		"marks without a letter": strings.Repeat("\u0301", 3000), "a letter with many marks": "a" + strings.Repeat("\u0315\u0300\u05ae\u0062", 500), "null bytes": strings.Repeat("\x00", 3000),
	}
	before := st.hashes(t)
	for door, knock := range doors {
		for flood, pw := range floods {
			a := knock(pw)
			if a.status >= 500 || a.status < 300 || a.beginsSession() {
				t.Errorf("%s, %s: %d %.200s", door, flood, a.status, a.body)
			}
			if got := st.hashes(t); got != before {
				t.Errorf("%s, %s: %d hashes were computed", door, flood, got-before)
				before = got
			}
		}
	}
	for _, pw := range []string{strings.Repeat("a", 256), strings.Repeat("\U0001f600", 256), strings.Repeat("e\u0301", 256)} {
		if a := st.login("victim@app.example", pw); a.status != http.StatusUnauthorized {
			t.Errorf("the control, 256 characters: %d", a.status)
		}
	}
	if got := st.hashes(t); got != before+3 {
		t.Errorf("the control: %d hashes, want 3: the test counts the wrong thing", got-before)
	}
	// The floods were no guesses: the owner signs in.
	if a := st.login("victim@app.example", password); a.status != http.StatusOK {
		t.Errorf("the owner: %d", a.status)
	}
	if got := b.who().Email; got != "victim@app.example" {
		t.Errorf("the session is %q now", got)
	}
}
