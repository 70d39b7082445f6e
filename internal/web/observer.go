package web

import (
	"context"
	"net/http"
	"time"
)

// Observer measures the requests of one Endpoint. The Router has one for each,
// so that nothing is looked up by name while a request is answered. It decides
// nothing and writes nothing to the answer, and is safe for concurrent use.
type Observer interface {
	// Begin is called once the facts are there and before the Endpoint is asked.
	// The context that it returns is the request's from then on; it may set
	// TraceID and SpanID in f.
	Begin(ctx context.Context, r *http.Request, f *Facts) context.Context
	// End is called after the answer, with the context of Begin, the facts as
	// they are then, the status that was answered and the time since the
	// request arrived here. It is called also when the answer was aborted; then
	// the status is 0 if none had been sent.
	End(ctx context.Context, r *http.Request, f *Facts, status int, took time.Duration)
}
