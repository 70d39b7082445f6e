package otlp

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

// Options say where spans go.
type Options struct {
	// Endpoint is the whole address, as http://127.0.0.1:4318/v1/traces.
	Endpoint string
	// Header is sent along: keys of the collector.
	Header http.Header
	Logger *slog.Logger
	// Now is the clock; nil means time.Now.
	Now func() time.Time
}

const (
	// requestTimeout bounds one request to the collector.
	requestTimeout = 10 * time.Second
	// tries is how often one batch is sent, when the collector asks for it.
	tries = 3
	// firstWait is the pause before the second try; later ones are twice as
	// long. maxWait is the longest that a collector may ask for.
	firstWait = time.Second
	maxWait   = 10 * time.Second
	// quiet is how long a failure is not repeated in the log.
	quiet = time.Minute
	// maxAnswer is how much of an answer is read, so that the connection can be
	// used again.
	maxAnswer = 64 << 10
)

// Exporter implements sdktrace.SpanExporter. It keeps nothing between two
// calls. It is safe for concurrent use.
type Exporter struct {
	Options
	client     *http.Client
	sent, lost atomic.Uint64

	mu      sync.Mutex
	told    time.Time // when a failure was last logged
	failing bool
}

var _ sdktrace.SpanExporter = (*Exporter)(nil)

// New returns an Exporter; it connects to nothing yet.
func New(o Options) *Exporter {
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Exporter{Options: o, client: &http.Client{
		Timeout: requestTimeout,
		Transport: &http.Transport{
			Proxy: http.ProxyFromEnvironment, MaxIdleConnsPerHost: 1, IdleConnTimeout: 90 * time.Second,
			TLSHandshakeTimeout: requestTimeout, MaxResponseHeaderBytes: maxAnswer, ForceAttemptHTTP2: true,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// Counts returns how many spans were sent and how many were lost, since the
// start. Those that found the queue in front of the Exporter full are in
// neither.
func (e *Exporter) Counts() (sent, lost uint64) { return e.sent.Load(), e.lost.Load() }

// ExportSpans sends one batch. It always returns nil: a failure is logged here,
// once a minute at most, and the spans are gone.
func (e *Exporter) ExportSpans(ctx context.Context, spans []sdktrace.ReadOnlySpan) error {
	if len(spans) == 0 {
		return nil
	}
	err := e.export(ctx, packed(encode(spans)))
	if err != nil {
		e.lost.Add(uint64(len(spans)))
	} else {
		e.sent.Add(uint64(len(spans)))
	}
	e.tell(err)
	return nil
}

// Shutdown closes connections; batches under way are not cut off.
func (e *Exporter) Shutdown(context.Context) error {
	e.client.CloseIdleConnections()
	return nil
}

// export sends the body, again when the collector says that it may help
// (§Retryable Response Codes).
func (e *Exporter) export(ctx context.Context, body []byte) error {
	wait := firstWait
	for try := 1; ; try++ {
		again, err := e.send(ctx, body)
		var later *retryError
		if err == nil || try == tries || !errors.As(err, &later) {
			return err
		}
		pause := time.NewTimer(min(max(wait, again), maxWait))
		select {
		case <-ctx.Done():
			pause.Stop()
			return err
		case <-pause.C:
		}
		wait *= 2
	}
}

// retryError is an answer after which the same request may succeed.
type retryError struct{ status int }

func (e *retryError) Error() string { return "the collector answered " + strconv.Itoa(e.status) }

// send makes one request. again is what the collector asks to wait.
func (e *Exporter) send(ctx context.Context, body []byte) (again time.Duration, err error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, e.Endpoint, bytes.NewReader(body))
	if err != nil {
		return 0, errors.New("the address of the collector cannot be used")
	}
	for name, values := range e.Header {
		r.Header[name] = values
	}
	r.Header.Set("Content-Type", "application/x-protobuf")
	r.Header.Set("Content-Encoding", "gzip")
	r.Header.Set("User-Agent", "gatehouse")
	answer, err := e.client.Do(r)
	if err != nil {
		return 0, fmt.Errorf("send spans: %w", withoutURL(err))
	}
	defer answer.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(answer.Body, maxAnswer))
	switch answer.StatusCode {
	case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		seconds, _ := strconv.Atoi(answer.Header.Get("Retry-After"))
		return time.Duration(min(max(seconds, 0), 60)) * time.Second, &retryError{answer.StatusCode}
	}
	if answer.StatusCode/100 != 2 {
		return 0, fmt.Errorf("the collector answered %d", answer.StatusCode)
	}
	return 0, nil
}

// withoutURL takes the address out of the error: a key may be part of it.
func withoutURL(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err
	}
	return err
}

// tell logs the first failure of a row, then one a minute, and the end of it.
func (e *Exporter) tell(err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	now := e.Now()
	switch {
	case err == nil && e.failing:
		e.failing = false
		e.Logger.Info("spans reach the collector again")
	case err != nil && (e.told.IsZero() || now.Sub(e.told) >= quiet):
		e.failing, e.told = true, now
		e.Logger.Warn("spans cannot be sent to the collector and are lost; requests are not affected", "err", err, "lost", e.lost.Load())
	}
}

func packed(b []byte) []byte {
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	_, _ = z.Write(b) // to memory
	_ = z.Close()
	return out.Bytes()
}
