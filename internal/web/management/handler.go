package management

import (
	"net/http"
	"time"

	"github.com/gatehouse-auth/gatehouse/auth"
	room "github.com/gatehouse-auth/gatehouse/internal/management"
	"github.com/gatehouse-auth/gatehouse/internal/ratelimit"
	"github.com/gatehouse-auth/gatehouse/internal/web"
	"github.com/gatehouse-auth/gatehouse/internal/web/guard"
)

// Options are what a Handler needs.
type Options struct {
	// Room decides and acts.
	Room *room.Room
	// Guard says who calls. It is asked for each request, because it is made after
	// the table of endpoints.
	Guard func() *guard.Guard
	// Limits counts the requests of each caller, by Limit; nil means that nobody
	// does.
	Limits ratelimit.Source
	Limit  ratelimit.Limit
	// Version is the program's, for the document.
	Version string
	// Now is the clock; nil means time.Now.
	Now func() time.Time
}

// Handler serves the management API. It is safe for concurrent use.
type Handler struct {
	Options
	table    []*operation
	schemas  schemas
	document []byte
}

// New returns a Handler. It panics when the table is not sound, which every test
// would meet.
func New(o Options) *Handler {
	if o.Now == nil {
		o.Now = time.Now
	}
	h := &Handler{Options: o, table: table(), schemas: newSchemas()}
	h.document = h.openAPI()
	return h
}

// Endpoints are the operations, the document, the page, and for each address the
// answer to other methods.
func (h *Handler) Endpoints() []web.Endpoint {
	var list []web.Endpoint
	methods, order := map[string][]string{}, []string(nil)
	for _, o := range h.table {
		list = append(list, o.endpoint(h))
		if methods[o.path] == nil {
			order = append(order, o.path)
		}
		methods[o.path] = append(methods[o.path], o.method)
		if o.method == http.MethodGet {
			methods[o.path] = append(methods[o.path], http.MethodHead)
		}
	}
	for _, path := range order {
		list = append(list, other(Base+path, methods[path]...))
	}
	return append(list, h.pages()...)
}

// other answers the methods that an address does not have.
func other(pattern string, methods ...string) web.Endpoint {
	return web.Endpoint{
		Method: "*", Pattern: pattern, Guard: web.Public, CSRF: web.SafeMethod, Rate: web.Unlimited, Cache: web.NoStore,
		Handle: web.MethodNotAllowed(methods...), Fail: fail,
	}
}

// serve answers one request for an operation: who asks, do they ask too often,
// may they, and only then what it is they want.
func (h *Handler) serve(o *operation, w http.ResponseWriter, r *http.Request) error {
	g := h.Guard()
	caller := g.Identify(w, r)
	if d := caller.Decide(r.Context(), guard.Policy{}); !d.Allowed() {
		if d.Refused.Code.Kind() == auth.KindUnauthenticated {
			w.Header().Set("WWW-Authenticate", `Bearer realm="`+Base+`"`)
		}
		return d.Refused
	}
	who, _ := caller.Principal()
	facts := web.FactsFrom(r.Context())
	facts.UserID, facts.SessionID = who.UserID, who.SessionID
	c := &call{Request: r, h: h, op: o, actor: room.Actor{Principal: who, From: facts.Device}}
	caller.Pass(w, r, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := h.answer(c, w); err != nil {
			if auth.AsError(err).Code == auth.CodeForbidden {
				h.Room.Refused(r.Context(), c.actor, o.permission)
			}
			facts.Err = err
			fail(w, r, err)
		}
	}), guard.Private)
	return nil
}

// answer does what is asked and writes the answer, or returns a refusal and has
// written nothing.
func (h *Handler) answer(c *call, w http.ResponseWriter) (err error) {
	o := c.op
	if err := h.slow(c); err != nil {
		return err
	}
	if o.permission != "" {
		if err := h.Room.Permit(c.Context(), c.actor, o.permission); err != nil {
			return err
		}
	}
	if o.query == nil && c.URL.RawQuery != "" {
		return &auth.Error{Code: auth.CodeInvalidRequest, Message: "This operation has no parameters in the query."}
	}
	if o.query != nil {
		c.query = fresh(o.query)
		if err := h.readQuery(c.Request, c.query); err != nil {
			return err
		}
	}
	if o.ifMatch {
		if c.seen, err = ifMatch(c.Request); err != nil {
			return err
		}
	}
	if err := h.body(c, w); err != nil {
		return err
	}
	out, err := h.do(c)
	if err != nil {
		return err
	}
	return write(c, w, out)
}

// slow counts the request against the caller's limit. Code: too_many_attempts.
func (h *Handler) slow(c *call) error {
	if h.Limits == nil {
		return nil
	}
	d, err := h.Limits.Take(c.Context(), c.actor.Key(), h.Limit, 1, h.Now())
	if err != nil {
		return auth.Unavailable(err)
	}
	if !d.Allowed {
		return &auth.Error{Code: auth.CodeTooManyAttempts, Message: "Too many requests. Wait, then go on.", RetryAfter: d.RetryAfter}
	}
	return nil
}

// write answers with what the operation came to.
func write(c *call, w http.ResponseWriter, out *reply) error {
	head := w.Header()
	if out == nil {
		out = &reply{}
	}
	if out.version != 0 && c.op.versioned {
		head.Set("ETag", etag(out.version))
	}
	if out.location != "" {
		head.Set("Location", Base+out.location)
	}
	if out.replayed {
		head.Set("Idempotency-Replayed", "true")
	}
	if out.file != "" {
		head.Set("Content-Disposition", `attachment; filename="`+out.file+`"`) // made of an ID alone
	}
	if out.next != "" {
		head.Set("Link", nextLink(c.Request, out.next))
	}
	if c.op.answer == nil || out.body == nil {
		w.WriteHeader(c.op.successStatus())
		return nil
	}
	return web.WriteJSON(w, c.op.successStatus(), out.body)
}
