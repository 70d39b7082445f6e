package gatehouse

import (
	"fmt"
	"slices"
	"strings"

	"github.com/gatehouse-auth/gatehouse/internal/session"
	"github.com/gatehouse-auth/gatehouse/internal/web/authjs"
)

// sessionSources are what a claim of the session can be made from: what
// Gatehouse has sealed, so that no check asks the database for it.
var sessionSources = []string{
	"user.id", "user.email", "user.name", "user.image", "roles", "session.subject", "session.id", "session.signed_in_at", fromUpdate,
}

// fromUpdate is what update() has put into the session: the user's own words.
const fromUpdate = "update"

// meaning are the claims of a session token that mean something to Gatehouse, to
// Auth.js, or to verifiers of tokens, and names that can only be rights: no
// update() may write one.
var meaning = []string{
	"gh", "sid", "sub", "picture", "iss", "aud", "exp", "nbf", "iat", "jti", "uid", "epoch", "ver", "user", "expires",
	"scope", "scopes", "role", "permissions", "admin", "isAdmin",
}

// shownAlready are the members of the session's user that are always there, and
// names that would make a reader do something.
var shownAlready = []string{"id", "roles", "name", "email", "image", "__proto__", "constructor", "prototype"}

func (c Config) checkSessionClaims(p *Problems, i int) {
	field := mountField(i, "session_claims")
	claims := c.Mounts[i].SessionClaims
	if len(claims) > maxClaims {
		p.add(field, fmt.Sprintf("give at most %d", maxClaims), "has %d claims", len(claims))
	}
	for j, one := range claims {
		at := fmt.Sprintf("%s[%d]", field, j)
		switch {
		case !claimForm.MatchString(one.Name):
			p.add(at+".name", "give 1 to 128 letters, digits and the characters of an address", "%q is not a name for a claim", one.Name)
		case slices.Contains(shownAlready, one.Name):
			p.add(at+".name", "choose another name", "%q is there already, or may not be", one.Name)
		case slices.ContainsFunc(claims[:j], func(o Claim) bool { return o.Name == one.Name }):
			p.add(at+".name", "name it once", "%q stands twice", one.Name)
		}
		if one.From == fromUpdate && slices.Contains(meaning, one.Name) {
			p.add(at+".name", "choose another name", "%q means something, and whoever is signed in could write it", one.Name)
		}
		switch {
		case one.From == "" && one.Value == "":
			p.add(at+".from", "say what the claim is made from, or give a value", "is missing")
		case one.From != "" && !slices.Contains(sessionSources, one.From):
			p.add(at+".from", "choose of "+strings.Join(sessionSources, ", "), "%q is nothing that a session shows", one.From)
		}
	}
}

// sessionUser adds to the session's user what the settings say: the session
// callback of NextAuth. Nothing of it comes from what an application wrote into
// the cookie, but for what update() may write.
func (c Config) sessionUser(m Mount) func(s *session.Checked, user *authjs.Members) {
	if len(m.SessionClaims) == 0 {
		return authjs.IDAndRoles
	}
	return func(s *session.Checked, user *authjs.Members) {
		authjs.IDAndRoles(s, user)
		for _, one := range m.SessionClaims {
			addSessionClaim(s, user, one)
		}
	}
}

// updateClaims are the members of the session that update() may write.
func (m Mount) updateClaims() (names []string) {
	for _, one := range m.SessionClaims {
		if one.From == fromUpdate {
			names = append(names, one.Name)
		}
	}
	return names
}

func addSessionClaim(s *session.Checked, user *authjs.Members, c Claim) {
	switch c.From {
	case "user.id":
		user.AddString(c.Name, string(s.UserID()))
		return
	case "session.subject":
		user.AddString(c.Name, s.Subject())
		return
	case "session.id":
		user.AddString(c.Name, string(s.SessionID()))
		return
	case "session.signed_in_at":
		user.Add(c.Name, fmt.Appendf(nil, "%d", s.Start))
		return
	case "roles":
		user.AddStrings(c.Name, s.Roles)
		return
	}
	name := map[string]string{fromUpdate: c.Name, "user.name": session.ClaimName, "user.email": session.ClaimEmail, "user.image": session.ClaimPicture}[c.From]
	claims := s.Claims()
	if raw, there := claims.Get(name); there && string(raw) != "null" && string(raw) != `""` {
		user.Add(c.Name, raw)
	} else if c.Value != "" {
		user.AddString(c.Name, c.Value)
	}
}
