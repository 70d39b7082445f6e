package gatehouse

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/jwt"
	"github.com/gatehouse-auth/gatehouse/internal/token"
)

const (
	defaultAccessLifetime = 15 * time.Minute
	// maxAccessLifetime: what lives longer is a session without a revocation.
	maxAccessLifetime = day
	maxAudienceLength = 255
	maxClaims         = 32
)

var (
	clientIDForm = regexp.MustCompile(`^[A-Za-z0-9._~:/-]{1,128}$`)
	// scopeForm is scope-token of RFC 6749 §3.3, in a length that fits.
	scopeForm     = regexp.MustCompile(`^[!#-\[\]-~]{1,128}$`)
	claimForm     = regexp.MustCompile(`^[A-Za-z0-9._~:/#-]{1,128}$`)
	hashForm      = regexp.MustCompile(`^[0-9a-f]{64}$`)
	clientHashFix = `make a secret and its hash with "gatehouse secret client"`
)

func (c Config) checkTokens(p *Problems) {
	t := c.Tokens
	p.between("tokens.access_lifetime", t.AccessLifetime, time.Second, maxAccessLifetime)
	p.between("tokens.refresh_lifetime", t.RefreshLifetime, time.Minute, maxAbsoluteLifetime)
	p.between("tokens.refresh_max_age", t.RefreshMaxAge, time.Minute, maxAbsoluteLifetime)
	if t.RefreshMaxAge > t.RefreshLifetime && t.RefreshLifetime > 0 {
		longest := setting("tokens.refresh_lifetime")
		p.note("tokens.refresh_max_age", say("shorten it, or lengthen %s", longest),
			say("%s is longer than %s, %s", plain(t.RefreshMaxAge), longest, plain(t.RefreshLifetime)))
	}
	for i := range t.Audiences {
		c.checkAudience(p, i)
	}
	for i := range t.Clients {
		c.checkClient(p, i)
	}
}

func audienceField(i int, name string) string { return fmt.Sprintf("tokens.audiences[%d].%s", i, name) }

func (c Config) checkAudience(p *Problems, i int) {
	a := c.Tokens.Audiences[i]
	switch {
	case a.ID == "":
		p.add(audienceField(i, "id"), "give the address of the service, as https://api.example", "is missing")
	case len(a.ID) > maxAudienceLength || !utf8.ValidString(a.ID) || strings.ContainsFunc(a.ID, notVisible):
		p.add(audienceField(i, "id"), "give an address or a name of at most 255 characters without blanks", "is not a name for an audience")
	case slices.ContainsFunc(c.Mounts, func(m Mount) bool { return a.ID == c.PublicOrigin+m.BasePath }):
		p.add(audienceField(i, "id"), "leave it out: tokens for Gatehouse itself are always to be had", "%q is Gatehouse itself", a.ID)
	case slices.ContainsFunc(c.Tokens.Audiences[:i], func(o Audience) bool { return o.ID == a.ID }):
		p.add(audienceField(i, "id"), "keep one of them", "%q stands twice", a.ID)
	}
	c.checkAlgorithm(p, i)
	p.between(audienceField(i, "lifetime"), a.Lifetime, time.Second, maxAccessLifetime)
	for j, scope := range a.Scopes {
		at := fmt.Sprintf("%s[%d]", audienceField(i, "scopes"), j)
		switch {
		case !scopeForm.MatchString(scope):
			p.add(at, "give 1 to 128 visible characters without quote and backslash", "%q is not a scope", scope)
		case scope == token.OfflineAccess:
			p.add(at, "leave it out", "offline_access may always be asked for")
		case slices.Contains(a.Scopes[:j], scope):
			p.add(at, "name it once", "%q is named twice", scope)
		}
	}
	checkClaims(p, audienceField(i, "claims"), a.Claims)
}

func notVisible(r rune) bool { return r <= ' ' || r == 0x7f || r == '"' || r == '\\' }

func (c Config) checkAlgorithm(p *Problems, i int) {
	a := c.Tokens.Audiences[i]
	shared := a.Algorithm == string(jwt.HS256)
	switch {
	case !shared && !jwt.Algorithm(a.Algorithm).IsOwn():
		p.add(audienceField(i, "algorithm"), `say "ES256", "RS256", "EdDSA" or "HS256"`, "%q is no algorithm of ours", a.Algorithm)
	case shared && a.Secret == "":
		p.add(audienceField(i, "secret"), "give the secret that the service verifies with, or choose ES256", "is missing, and HS256 needs one")
	case !shared && a.Secret != "":
		p.add(audienceField(i, "secret"), "remove it, or choose HS256", "is given, and %s needs none", a.Algorithm)
	}
	if shared && a.Own {
		p.add(audienceField(i, "own"), "choose ES256, or leave it out", "is set, and Gatehouse takes no token that the service could have made itself")
	}
	if a.Secret == "" {
		return
	}
	at := audienceField(i, "secret")
	if problem := secretProblem(a.Secret.Reveal()); problem != "" {
		p.add(at, secretCure, "%s", problem)
	}
	c.secretsOf(func(list string, _ bool, secrets []auth.Secret) {
		if j := slices.Index(secrets, a.Secret); j >= 0 {
			p.add(at, "give it one of its own: "+secretCure, "is the same as %s: it serves nothing else", setting(fmt.Sprintf("%s[%d]", list, j)))
		}
	})
	for j, other := range c.Tokens.Audiences[:i] {
		if other.Secret == a.Secret {
			p.add(at, "give it one of its own: "+secretCure, "is the same as %s: the one service could make tokens for the other", setting(audienceField(j, "secret")))
		}
	}
}

func checkClaims(p *Problems, field string, claims []Claim) {
	if len(claims) > maxClaims {
		p.add(field, fmt.Sprintf("give at most %d", maxClaims), "has %d claims, more than a header carries", len(claims))
	}
	for i, c := range claims {
		name, from := fmt.Sprintf("%s[%d].name", field, i), fmt.Sprintf("%s[%d].from", field, i)
		switch {
		case c.Name == "":
			p.add(name, "name the claim", "is missing")
		case !claimForm.MatchString(c.Name):
			p.add(name, "give 1 to 128 letters, digits and the characters of an address", "%q is not a name for a claim", c.Name)
		case token.Reserved(c.Name):
			p.add(name, "choose another name", "%q is a claim that Gatehouse alone writes", c.Name)
		case c.Name == "roles" && c.From != "roles":
			p.add(name, `choose another name, or say from: roles`, "guards decide by the claim roles, so it is the user's roles or nothing")
		case slices.ContainsFunc(claims[:i], func(o Claim) bool { return o.Name == c.Name }):
			p.add(name, "name it once", "%q stands twice", c.Name)
		}
		switch {
		case c.From == "" && c.Value == "":
			p.add(from, "say what the claim is made from, or give a value", "is missing")
		case c.From != "" && !slices.Contains(token.Sources(), c.From):
			p.add(from, "choose of "+strings.Join(token.Sources(), ", "), "%q is nothing that a claim can be made from", c.From)
		case len(c.Value) > 1024 || !utf8.ValidString(c.Value):
			p.add(fmt.Sprintf("%s[%d].value", field, i), "give at most 1024 bytes of text", "does not fit into a token")
		}
	}
}

func clientField(i int, name string) string { return fmt.Sprintf("tokens.clients[%d].%s", i, name) }

func (c Config) checkClient(p *Problems, i int) {
	client := c.Tokens.Clients[i]
	switch {
	case client.ID == "":
		p.add(clientField(i, "id"), "give it a name", "is missing")
	case !clientIDForm.MatchString(client.ID):
		p.add(clientField(i, "id"), "give 1 to 128 letters, digits and the characters . _ ~ : / -", "%q is not a name for a client", client.ID)
	case client.ID == token.FirstParty:
		p.add(clientField(i, "id"), "choose another name", "%q stands for the application itself", client.ID)
	case slices.ContainsFunc(c.Tokens.Clients[:i], func(o Client) bool { return o.ID == client.ID }):
		p.add(clientField(i, "id"), "keep one of them", "%q stands twice", client.ID)
	}
	if client.SecretHash != "" && !hashForm.MatchString(client.SecretHash) {
		p.add(clientField(i, "secret_hash"), clientHashFix, "is not 64 hexadecimal digits in lower case")
	}
	if client.MayIntrospect && client.SecretHash == "" {
		p.add(clientField(i, "secret_hash"), clientHashFix, "is missing, and whoever asks about tokens must show a secret")
	}
	if len(client.Audiences) == 0 {
		p.add(clientField(i, "audiences"), "name at least one", "is missing")
	}
	for j, id := range client.Audiences {
		at := fmt.Sprintf("%s[%d]", clientField(i, "audiences"), j)
		known := slices.ContainsFunc(c.Tokens.Audiences, func(a Audience) bool { return a.ID == id }) ||
			slices.ContainsFunc(c.Mounts, func(m Mount) bool { return c.PublicOrigin+m.BasePath == id })
		switch {
		case !known:
			p.add(at, "name one of the audiences, or the address of a mount's base path", "%q is no audience", id)
		case slices.Contains(client.Audiences[:j], id):
			p.add(at, "name it once", "%q is named twice", id)
		}
	}
}
