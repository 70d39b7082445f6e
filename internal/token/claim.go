package token

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/seal"
)

// Claim puts one more claim into access tokens.
type Claim struct {
	// Name is the claim's.
	Name string
	// From is one of [Sources], or empty. Value is a text in place of what From
	// does not give.
	From, Value string
}

// The names of what a claim can be made from.
const (
	fromUserID        = "user.id"
	fromEmail         = "user.email"
	fromEmailVerified = "user.email_verified"
	fromUsername      = "user.username"
	fromName          = "user.name"
	fromImage         = "user.image"
	fromRoles         = "roles"
	fromSubject       = "session.subject"
	fromSession       = "session.id"
	fromSignedInAt    = "session.signed_in_at"
	fromMethods       = "session.methods"
)

// Sources are what [Claim.From] may name.
func Sources() []string {
	return []string{
		fromUserID, fromEmail, fromEmailVerified, fromUsername, fromName, fromImage, fromRoles,
		fromSubject, fromSession, fromSignedInAt, fromMethods,
	}
}

// rolesClaim is the one claim that a mapping may move, but never fill with
// anything else: guards decide by it.
const rolesClaim = "roles"

// reserved are the claims that Gatehouse alone writes. RFC 7519 §4.1, RFC 9068
// §2.2, and those that would make another verifier do something.
var reserved = []string{
	"iss", "sub", "aud", "exp", "nbf", "iat", "jti", "client_id", "scope", "auth_time", "sid", "fam", "uid", "epoch", "ver",
	"cnf", "act", "may_act", "azp", "acr", "amr", "nonce", "typ", "gh", "token_type", "active",
	"__proto__", "constructor", "prototype",
}

// Reserved says whether no mapping and no hook may write the claim.
func Reserved(name string) bool { return slices.Contains(reserved, name) }

// Subject is what claims are made from.
type Subject struct {
	User auth.User
	// Known is the user's ID as the application knows it, the claim sub.
	Known     string
	SessionID auth.SessionID
	ProvenAt  time.Time
	Methods   []string
}

// append adds the claim to an object that has members already. What neither the
// user has nor Value gives is left out.
func (c Claim) append(dst []byte, s Subject) []byte {
	if with := c.appendSource(dst, s); len(with) > len(dst) {
		return with
	}
	return appendText(dst, c.Name, c.Value)
}

func (c Claim) appendSource(dst []byte, s Subject) []byte {
	switch c.From {
	case fromUserID:
		return appendText(dst, c.Name, string(s.User.ID))
	case fromEmail:
		return appendText(dst, c.Name, s.User.Email)
	case fromEmailVerified:
		if s.User.Email == "" {
			return dst
		}
		return strconv.AppendBool(appendName(dst, c.Name), !s.User.EmailVerifiedAt.IsZero())
	case fromUsername:
		return appendText(dst, c.Name, s.User.Username)
	case fromName:
		return appendText(dst, c.Name, s.User.Name)
	case fromImage:
		return appendText(dst, c.Name, s.User.Image)
	case fromRoles:
		return appendTexts(dst, c.Name, s.User.Roles)
	case fromSubject:
		return appendText(dst, c.Name, s.Known)
	case fromSession:
		return appendText(dst, c.Name, string(s.SessionID))
	case fromSignedInAt:
		return strconv.AppendInt(appendName(dst, c.Name), s.ProvenAt.Unix(), 10)
	case fromMethods:
		return appendTexts(dst, c.Name, s.Methods)
	}
	return dst
}

func appendName(dst []byte, name string) []byte {
	if dst[len(dst)-1] != '{' {
		dst = append(dst, ',')
	}
	return append(seal.AppendString(dst, name), ':')
}

func appendText(dst []byte, name, text string) []byte {
	if text == "" {
		return dst
	}
	return seal.AppendString(appendName(dst, name), text)
}

func appendNumber(dst []byte, name string, n int64) []byte {
	return strconv.AppendInt(appendName(dst, name), n, 10)
}

func appendTexts(dst []byte, name string, texts []string) []byte {
	dst = append(appendName(dst, name), '[')
	for i, text := range texts {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = seal.AppendString(dst, text)
	}
	return append(dst, ']')
}

// appendMore adds what a hook of the embedding program gives. A name that is
// reserved, or taken by the mapping, is the program's mistake and an error: the
// token is not made.
func appendMore(dst []byte, taken []string, more map[string]any) ([]byte, error) {
	names := make([]string, 0, len(more))
	for name := range more {
		names = append(names, name)
	}
	slices.Sort(names) // the same token text for the same claims
	for _, name := range names {
		if Reserved(name) || name == rolesClaim || slices.Contains(taken, name) || strings.TrimSpace(name) == "" {
			return nil, fmt.Errorf("the hook for claims may not write %q", name)
		}
		raw, err := json.Marshal(more[name])
		if err != nil {
			return nil, fmt.Errorf("the claim %q of the hook: %w", name, err)
		}
		dst = append(appendName(dst, name), raw...)
	}
	return dst, nil
}
