package management

import (
	"net/http"
	"net/url"
	"reflect"
	"strings"

	"github.com/gatehouse-auth/gatehouse/auth"
	room "github.com/gatehouse-auth/gatehouse/internal/management"
	"github.com/gatehouse-auth/gatehouse/internal/web"
)

// Base is where the API is.
const Base = "/api/v1"

// operation is one row of the table.
type operation struct {
	// id is the operationId, which clients that are generated name their methods
	// by. It never changes.
	id           string
	method, path string
	tag          string
	summary      string
	description  string
	// permission is what the caller must hold; empty is that somebody is known.
	permission room.Permission
	// query and body are the zero values of what is read; nil is nothing. A body
	// may be left out when bodyless says so.
	query, body any
	bodyless    bool
	// answer is the zero value of what is answered; nil is 204. status is that of
	// success; zero is 200, or 204.
	answer any
	status int
	// versioned: the answer carries an ETag. ifMatch: the request must say which
	// one it has seen.
	versioned, ifMatch bool
	// once: an Idempotency-Key is honoured, and the answer to the same request
	// again is what get answers for the resource that was made.
	once bool
	get  func(c *call, id string) (*reply, error)
	// codes are refusals beside those that every operation has.
	codes []auth.Code
	do    func(c *call) (*reply, error)
}

// reply is what an operation answers.
type reply struct {
	body any
	// version becomes the ETag; zero is none.
	version int64
	// location is the address of what was made, below Base, and made its ID.
	location, made string
	// replayed: it was made by an earlier request.
	replayed bool
	// next is the cursor of the next page.
	next string
	// file is the name under which a browser keeps the answer.
	file string
}

// call is one request for an operation.
type call struct {
	*http.Request
	h     *Handler
	op    *operation
	actor room.Actor
	// query and body are pointers to what the operation's row says.
	query, body any
	// seen is the version in If-Match; zero is any.
	seen int64
	// raw is the body as it came.
	raw []byte
}

// user is the ID in the address. One that is none is not there.
func (c *call) user() (auth.UserID, error) {
	id, err := auth.ParseUserID(c.PathValue("user"))
	if err != nil {
		return "", auth.NewError(auth.CodeNotFound, err)
	}
	return id, nil
}

// successStatus is what the operation answers when all is well.
func (o *operation) successStatus() int {
	switch {
	case o.status != 0:
		return o.status
	case o.answer == nil:
		return http.StatusNoContent
	}
	return http.StatusOK
}

// endpoint is the operation's posture.
func (o *operation) endpoint(h *Handler) web.Endpoint {
	e := web.Endpoint{
		Method: o.method, Pattern: Base + o.path, Guard: web.Permitted, Permission: string(o.permission), CSRF: web.JSONAndOrigin,
		Rate: web.Managing, Cache: web.NoStore, Fail: fail,
		Handle: func(w http.ResponseWriter, r *http.Request) error { return h.serve(o, w, r) },
	}
	if o.method == http.MethodGet {
		e.CSRF = web.SafeMethod
	}
	return e
}

// fresh is a new value of the type of zero, as a pointer.
func fresh(zero any) any { return reflect.New(reflect.TypeOf(zero)).Interface() }

// location is the address of what the operation made, below Base.
func (o *operation) location(id string) string {
	path, _, _ := strings.Cut(o.path, "/{")
	return path + "/" + url.PathEscape(id)
}
