package session

import (
	"encoding/json"
	"slices"
	"strconv"
	"time"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/seal"
)

// Names of claims. gh is Gatehouse's own; sid and roles are readable copies of
// what it says, for the application; the others are Auth.js's
// (authjs.md §4.8, §6).
const (
	factsClaim = "gh"
	sidClaim   = "sid"
	rolesClaim = "roles"
	subClaim   = "sub"

	// ClaimName, ClaimEmail and ClaimPicture are what Auth.js shows of a user.
	ClaimName    = "name"
	ClaimEmail   = "email"
	ClaimPicture = "picture"
)

// Claims are the members of a session token that are carried from one seal to
// the next: all but gh, sid, roles, iat, exp and jti, which each seal makes
// anew. Values are raw JSON, so that what the application put there is not
// altered by reading it.
type Claims struct{ members []member }

type member struct {
	name string
	raw  []byte
}

// Get returns the raw JSON of a claim.
func (c *Claims) Get(name string) (raw []byte, ok bool) {
	for _, m := range c.members {
		if m.name == name {
			return m.raw, true
		}
	}
	return nil, false
}

// Set replaces a claim, or adds it behind the others. raw is JSON.
func (c *Claims) Set(name string, raw []byte) {
	for i := range c.members {
		if c.members[i].name == name {
			c.members[i].raw = raw
			return
		}
	}
	c.members = append(c.members, member{name, raw})
}

// SetString is Set for text.
func (c *Claims) SetString(name, text string) { c.Set(name, seal.AppendString(nil, text)) }

// Delete removes a claim.
func (c *Claims) Delete(name string) {
	for i := range c.members {
		if c.members[i].name == name {
			c.members = append(c.members[:i], c.members[i+1:]...)
			return
		}
	}
}

// kept are the members that say nothing of the user: what the application has put
// in.
func (c *Claims) kept() (list []member) {
	for _, m := range c.members {
		switch m.name {
		case ClaimName, ClaimEmail, ClaimPicture, subClaim:
		default:
			list = append(list, m)
		}
	}
	return list
}

// setUser takes over what is shown of a user; empty members are left out, as
// Auth.js does for a user that lacks them.
func (c *Claims) setUser(u auth.User) {
	for _, m := range [...]struct{ name, text string }{
		{ClaimName, u.Name}, {ClaimEmail, u.Email}, {ClaimPicture, u.Image},
	} {
		if m.text == "" {
			c.Delete(m.name)
		} else {
			c.SetString(m.name, m.text)
		}
	}
}

// Claims returns the claims that the next seal will carry: those of the
// cookie, or those of the user's row when the cookie was older than it.
func (s *Checked) Claims() Claims {
	c := s.readClaims()
	if s.current != nil {
		c.setUser(*s.current)
	}
	if s.subject != "" {
		c.SetString(subClaim, s.subject)
	}
	return c
}

// claim returns the raw JSON of a claim that the next seal will carry too.
func (s *Checked) claim(name string) (raw []byte) {
	if s.carried != nil {
		raw, _ = (&Claims{s.carried}).Get(name)
	} else {
		raw, _ = claim(s.claims, name)
	}
	return raw
}

// readClaims returns the claims of the cookie, in a list of its own.
func (s *Checked) readClaims() Claims {
	if s.carried != nil {
		return Claims{members: slices.Clone(s.carried)}
	}
	c := Claims{members: make([]member, 0, 8)}
	_ = seal.Scan(s.claims, func(name, raw []byte) error {
		switch string(name) {
		case factsClaim, sidClaim, rolesClaim:
		case "iat", "exp", "jti":
			if s.localEnd != 0 { // only the tokens of Auth.js have their own
				c.Set(string(name), raw)
			}
		case ClaimName: // a constant costs no copy
			c.Set(ClaimName, raw)
		case ClaimEmail:
			c.Set(ClaimEmail, raw)
		case ClaimPicture:
			c.Set(ClaimPicture, raw)
		case subClaim:
			c.Set(subClaim, raw)
		default:
			c.Set(string(name), raw)
		}
		return nil
	})
	return c
}

// Subject is what the application sees as the user's ID, the claim sub: an old
// ID for those who were imported with one, and else the user's own. It is what
// Gatehouse sealed, whatever the application has written since.
func (s *Checked) Subject() string {
	if s.subject != "" {
		return s.subject
	}
	text, ok := seal.String(s.claim(subClaim))
	if !ok {
		return string(s.UserID())
	}
	return text
}

// Refresh takes over the user's row after a change that the session's own user
// made: the next seal carries it.
func (s *Checked) Refresh(u auth.User) {
	s.current, s.Version, s.Roles = &u, u.Version, u.Roles
}

// Outdated says whether code in the application that only decodes the cookie
// would refuse it, or believe something that has changed since.
func (s *Checked) Outdated(now time.Time) bool {
	if s.current != nil {
		return true
	}
	if s.localEnd != 0 {
		return now.Unix() >= s.localEnd
	}
	raw, _ := claim(s.claims, "exp")
	exp, ok := seal.Int(raw)
	return !ok || now.Unix() >= exp
}

// appendFacts writes the JSON object of a token, but for its end.
func appendFacts(dst []byte, c Claims, f Facts, gh []byte) []byte {
	dst = append(dst, '{')
	dst = appendMembers(dst, c.members)
	dst = append(dst, `"`+rolesClaim+`":`...)
	dst = appendList(dst, f.Roles)
	dst = append(dst, `,"`+sidClaim+`":"`...)
	dst = append(dst, f.SessionID()...)
	dst = append(dst, `","`+factsClaim+`":"`...)
	dst = append(dst, gh...)
	return append(dst, '"')
}

// appendMembers writes each member with a comma behind it.
func appendMembers(dst []byte, members []member) []byte {
	for _, m := range members {
		dst = seal.AppendString(dst, m.name)
		dst = append(dst, ':')
		dst = append(dst, m.raw...)
		dst = append(dst, ',')
	}
	return dst
}

// texts is the inverse of appendList: the elements of a JSON array that are
// texts.
func texts(raw []byte) (list []string) {
	_ = json.Unmarshal(raw, &list)
	return list
}

func appendList(dst []byte, texts []string) []byte {
	dst = append(dst, '[')
	for i, r := range texts {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = seal.AppendString(dst, r)
	}
	return append(dst, ']')
}

// appendTimes writes what Auth.js expects behind all other claims, and the end.
func appendTimes(dst []byte, iat, exp int64) []byte {
	dst = append(dst, `,"iat":`...)
	dst = strconv.AppendInt(dst, iat, 10)
	dst = append(dst, `,"exp":`...)
	dst = strconv.AppendInt(dst, exp, 10)
	dst = append(dst, `,"jti":"`...)
	dst = appendJTI(dst)
	return append(dst, `"}`...)
}
