package gatehouse

import (
	"fmt"
	"slices"
	"time"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/rbac"
	"github.com/gatehouse-auth/gatehouse/internal/web/guard"
)

// Need is one condition on who calls, for [Gatehouse.Require]. [Permission],
// [AnyPermission], [Role], [AnyRole], [Scope], [APIKey], [BrowserSession],
// [AnyOf] and [Fresh] make one. What is wrong with it shows where it is made: they
// panic, as http.ServeMux does about a pattern, because the mistake is in the
// program, and a door that opens to nobody would hide it.
type Need struct {
	call  string // what made it; empty for the zero Need
	met   guard.Condition
	fresh bool
}

// FreshWithin is how long ago this server may have heard of revocations for
// [Fresh].
const FreshWithin = 2 * time.Second

// Fresh is for routes where a session that was just revoked must not pass, even
// on a server that has lost its database: it is met as long as the change feed
// was read within [FreshWithin]. Otherwise the answer is 503, where routes
// without it go on for Config.Session.MaxStaleness.
func Fresh() Need { return Need{call: "Fresh", fresh: true} }

// Role is met by whoever holds the role of this name; a role that inherits it is
// another one. Where it is the right that counts and not the name, ask for a
// [Permission]. Names of roles are case-sensitive:
// "admin" and "Admin" are two. It is the role that the user's row has, as far
// as this server has heard; what an application wrote into the cookie counts
// for nothing. A credential that its scopes narrow holds no role, see
// [Principal].
//
// It panics when no user could ever hold a role of that name.
func Role(name string) Need { return anyRole("Role", name) }

// AnyRole is met by whoever holds at least one of the roles. It panics as
// [Role] does, and when there are none.
func AnyRole(names ...string) Need { return anyRole("AnyRole", names...) }

func anyRole(call string, names ...string) Need {
	for _, name := range names {
		if _, err := auth.CleanRoles([]string{name}); err != nil {
			panic(fmt.Sprintf("gatehouse: %s(%q): no user can hold this role. %s", call, name, auth.AsError(err).Text()))
		}
	}
	if len(names) == 0 {
		panic("gatehouse: " + call + "(): name at least one role")
	}
	return Need{call: call, met: guard.Condition{Roles: slices.Clone(names)}}
}

// Permission is met by whoever may do it: some role that they hold allows it, by
// itself or by what it inherits. A credential that its scopes narrow must have a
// scope that matches as well. What the roles allow is known in memory, and a
// change counts from the next request on; when the roles cannot be read after one,
// the answer is 503.
//
// It panics when the text is no permission, as "orders:read" is one; only the
// definitions of roles, and scopes, have asterisks.
func Permission(text string) Need { return anyPermission("Permission", text) }

// AnyPermission is met by whoever has at least one of the permissions. It panics
// as [Permission] does, and when there are none.
func AnyPermission(texts ...string) Need { return anyPermission("AnyPermission", texts...) }

func anyPermission(call string, texts ...string) Need {
	var met guard.Condition
	for _, text := range texts {
		p, err := rbac.ParsePermission(text)
		if err != nil {
			panic(fmt.Sprintf("gatehouse: %s(%q): nobody can have this permission. %s", call, text, auth.AsError(err).Text()))
		}
		met.Permissions = append(met.Permissions, p)
	}
	if len(texts) == 0 {
		panic("gatehouse: " + call + "(): name at least one permission")
	}
	return Need{call: call, met: met}
}

// Scope is met by an access token or an API key that names the scope. The cookie
// of a session names none and never meets it, whatever its user may do: for a
// route that browsers and programs call, say AnyOf(BrowserSession(), Scope(…)), or
// better [Permission], which asks what the user may do as well.
//
// It panics when the name is no scope-token (RFC 6749 §3.3) of at most 128
// characters.
func Scope(name string) Need {
	if !scopeForm.MatchString(name) {
		panic(fmt.Sprintf("gatehouse: Scope(%q): no credential can have this scope. A scope is 1 to 128 visible characters without quote and backslash.", name))
	}
	return Need{call: "Scope", met: guard.Condition{Scopes: []string{name}}}
}

// APIKey is met by whoever shows an API key, of a user or of a service.
func APIKey() Need { return Need{call: "APIKey", met: guard.Condition{APIKey: true}} }

// BrowserSession is met by a person in a browser: by the cookie of a session, and by no
// access token and no API key.
func BrowserSession() Need { return Need{call: "BrowserSession", met: guard.Condition{Session: true}} }

// AnyOf is met when one of the Needs is. It panics when there are none, for a
// zero Need, and for [Fresh], which says nothing of who calls.
func AnyOf(n ...Need) Need {
	any := Need{call: "AnyOf"}
	for _, need := range n {
		switch {
		case need.call == "":
			panic("gatehouse: AnyOf: a zero Need; make Needs with Role, Permission, Scope, APIKey or BrowserSession")
		case need.fresh:
			panic("gatehouse: AnyOf: Fresh says nothing of who calls; give it to Require beside AnyOf")
		}
		any.met = any.met.Or(need.met)
	}
	if len(n) == 0 {
		panic("gatehouse: AnyOf(): name at least one Need")
	}
	return any
}

// policyOf is all of the Needs.
func policyOf(call string, n []Need) (p guard.Policy) {
	for _, need := range n {
		switch {
		case need.call == "":
			panic("gatehouse: " + call + ": a zero Need, which nobody could meet; make Needs with Role, Permission, Scope, APIKey, BrowserSession, AnyOf or Fresh")
		case need.fresh:
			p.MaxStaleness = FreshWithin
		default:
			p.All = append(p.All, need.met)
		}
	}
	return p
}
