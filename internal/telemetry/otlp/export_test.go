package otlp

import (
	"context"
	"net"
	"net/http"
)

// Dial replaces how the collector is reached.
func (e *Exporter) Dial(dial func(ctx context.Context, network, address string) (net.Conn, error)) {
	e.client.Transport.(*http.Transport).DialContext = dial
}
