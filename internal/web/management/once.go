package management

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/web"
)

// onceKey is the Idempotency-Key of the request, empty for none
// (draft-ietf-httpapi-idempotency-key-header). Code: invalid_request.
func onceKey(r *http.Request) (string, error) {
	lines := r.Header.Values("Idempotency-Key")
	if len(lines) == 0 {
		return "", nil
	}
	key := lines[0]
	if len(lines) > 1 || key == "" || len(key) > 255 || strings.IndexFunc(key, func(r rune) bool { return r < '!' || r > '~' }) >= 0 {
		return "", &auth.Error{Code: auth.CodeInvalidRequest, Field: "Idempotency-Key", Message: "Send one Idempotency-Key of 1 to 255 printable characters."}
	}
	return key, nil
}

// do runs the operation, once for each Idempotency-Key. The same request again is
// answered with what it made, as that is now: neither the answer nor a secret in
// it is kept, so a secret is shown once whatever happens.
func (h *Handler) do(c *call) (*reply, error) {
	if !c.op.once {
		return c.op.do(c)
	}
	key, err := onceKey(c.Request)
	if err != nil || key == "" {
		if err != nil {
			return nil, err
		}
		return c.op.do(c)
	}
	what := c.op.id + " " + c.URL.Path
	made, err := h.Room.BeginCreation(c.Context(), c.actor, what, key, c.raw)
	if err != nil {
		return nil, err
	}
	if made != "" {
		return h.again(c, made)
	}
	out, err := c.op.do(c)
	after, cancel := context.WithTimeout(context.WithoutCancel(c.Context()), endingDeadline)
	defer cancel()
	if err != nil {
		h.Room.ForgetCreation(after, c.actor, what, key)
		return nil, err
	}
	if err := h.Room.FinishCreation(after, c.actor, what, key, out.made); err != nil {
		// It is made, and the key stays as one whose request is under way: nothing
		// is made twice.
		web.FactsFrom(c.Context()).Err = err
	}
	return out, nil
}

// endingDeadline bounds what is written once an operation is done.
const endingDeadline = 5 * time.Second

// again answers a request whose first one made something. Whoever may make and
// not read learns where it is.
func (h *Handler) again(c *call, made string) (*reply, error) {
	out, err := c.op.get(c, made)
	if auth.AsError(err).Code == auth.CodeForbidden && err != nil {
		out, err = &reply{}, nil
	}
	if err != nil {
		return nil, err
	}
	out.location, out.made, out.replayed = c.op.location(made), made, true
	return out, nil
}
