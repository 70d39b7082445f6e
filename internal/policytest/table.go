package policytest

import (
	"net/http"

	"github.com/gatehouse-auth/gatehouse/internal/rbac"
)

// Table is what a file expects. [Parse] makes one; it is not changed after.
type Table struct {
	Routes  []Route
	Callers []Caller
	Cases   []Case

	// mux finds the Route of a request, as the application's own would.
	mux *http.ServeMux
}

// Kind says with what a Caller shows who they are.
type Kind string

// The Kinds.
const (
	// Nobody shows nothing, or nothing that is good any more.
	Nobody Kind = "nobody"
	// Session is a browser's session.
	Session Kind = "session"
	// APIKey is a key of a service or of a user.
	APIKey Kind = "api-key"
	// Token is an access token.
	Token Kind = "token"
)

// Caller is who asks.
type Caller struct {
	// Line is where the table declares them; zero for nobody, who is always
	// there.
	Line int
	Name string
	Kind Kind
	// Roles are those held; Scopes narrow a key, or a token, to less. Sessions
	// have no scopes.
	Roles, Scopes []string
}

// Route is an address of the application with what it needs.
type Route struct {
	Line int
	// Pattern is one of net/http: "GET /orders/{id}". Without a method every
	// one is meant.
	Pattern string
	// Public: whoever asks, the answer is 200.
	Public bool
	// Needs must all be met.
	Needs []Need
}

// Need is one of the conditions of a Route, met when any of its parts is.
type Need struct {
	// Text is as the table has it: "session|scope=orders:read".
	Text  string
	AnyOf []Part
}

// PartKind says what a Part asks of.
type PartKind string

// The PartKinds, each as the Need of that name at the root.
const (
	// PartRole: one of the roles is held as a whole.
	PartRole PartKind = "role"
	// PartPermission: one of the permissions is held.
	PartPermission PartKind = "permission"
	// PartScope: the key or token names one of the scopes itself.
	PartScope PartKind = "scope"
	// PartAPIKey: an API key was shown.
	PartAPIKey PartKind = "api-key"
	// PartSession: a browser's session was shown.
	PartSession PartKind = "session"
)

// Part is one way to meet a Need.
type Part struct {
	Kind PartKind
	// Names are the roles, permissions or scopes of which one is enough.
	Names []string
	// permissions are Names, read.
	permissions []rbac.Permission
}

// Case is one line of expectation.
type Case struct {
	Line   int
	Caller Caller
	// Request is as the table has it: "GET /orders" or "orders:read".
	Request string
	// Want is 200, 401 or 403.
	Want int

	// permission is what is asked for, when Request is no address.
	permission rbac.Permission
	// route is the index of the Route of the address, -1 when there is none.
	route int
}
