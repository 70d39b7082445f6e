package config

import (
	"time"

	"github.com/gatehouse-auth/gatehouse"
	"github.com/gatehouse-auth/gatehouse/auth"
)

// Settings is everything that the program can be told.
type Settings struct {
	// Config is what the library takes, with its defaults filled in.
	gatehouse.Config
	// Server is what serve needs beside it, with its defaults filled in.
	Server

	// Warnings are what is allowed and yet should be known.
	Warnings []Problem `conf:"-"`

	// origins says for each path where its value came from; a path that is not
	// in it has its default.
	origins map[string]string
}

// Server is how the program listens. The zero value of a member is its safe
// default, stated beside it.
type Server struct {
	// Listen is the address, host and port, on which browsers or the proxy in
	// front reach Gatehouse. Default: "127.0.0.1:8787".
	Listen string `conf:"listen"`
	// OpsListen is the address for /livez, /readyz and /metrics. Never make it
	// public.
	// Default: "127.0.0.1:8788".
	OpsListen string `conf:"ops_listen"`
	// TLS names the certificate. Default: none.
	TLS TLS `conf:"tls"`
	// BehindProxy says that a trusted proxy in front ends TLS. Required when
	// public_origin is https and no certificate is given. Default: false.
	BehindProxy bool `conf:"behind_proxy"`

	// ShutdownTimeout is how long requests under way may take to finish once
	// the program was told to end. Default: 30 seconds.
	ShutdownTimeout time.Duration `conf:"shutdown_timeout"`
	// ShutdownDelay is how long the program goes on accepting connections
	// after readiness has turned to 503, so that a load balancer can notice.
	// Default: none.
	ShutdownDelay time.Duration `conf:"shutdown_delay"`
	// ReadHeaderTimeout is how long the header of a request may take to
	// arrive. Default: 10 seconds.
	ReadHeaderTimeout time.Duration `conf:"read_header_timeout"`
	// ReadTimeout is how long a whole request may take to arrive. Default: 30
	// seconds.
	ReadTimeout time.Duration `conf:"read_timeout"`
	// WriteTimeout is how long the answer may take, counted from the end of
	// the request's header. Default: 1 minute.
	WriteTimeout time.Duration `conf:"write_timeout"`
	// IdleTimeout is how long a connection is kept between requests. A proxy in
	// front must give up its idle connections sooner. Default: 2 minutes.
	IdleTimeout time.Duration `conf:"idle_timeout"`
	// MaxHeaderBytes is how long the header of a request may be. Default: 65536.
	MaxHeaderBytes int `conf:"max_header_bytes"`

	// Log is how the program logs, to standard error.
	Log Log `conf:"log"`
	// Tracing says where spans of requests go. Default: nowhere.
	Tracing Tracing `conf:"tracing"`
}

// TLS names the certificate and its key. The files are read again when they
// change.
type TLS struct {
	// CertFile is a PEM file with the certificate and then its chain.
	CertFile string `conf:"cert_file"`
	// KeyFile is a PEM file with the private key; nobody else may read it.
	KeyFile string `conf:"key_file"`
}

// Log is how the program logs.
type Log struct {
	// Format is "text" or "json". Default: "text".
	Format string `conf:"format"`
	// Level is "debug", "info", "warn" or "error". Default: "info".
	Level string `conf:"level"`
}

// Tracing says where spans of requests go (OpenTelemetry). No variable
// OTEL_EXPORTER_… is read: what is set for all programs of a machine must not
// make this one send.
type Tracing struct {
	// Endpoint is the address of the collector for OTLP over HTTP, as
	// http://127.0.0.1:4318/v1/traces. Without a path, /v1/traces is added.
	// Default: none, nothing is traced.
	Endpoint string `conf:"endpoint"`
	// Headers are sent to the collector with every batch, each as Name=value:
	// keys, mostly. Default: none.
	Headers []auth.Secret `conf:"headers"`
	// SampleOneIn traces one request in so many. Default: 1, every request.
	SampleOneIn int `conf:"sample_one_in"`
	// TrustParent says that the proxies in client_address.trusted_proxies make
	// the header traceparent themselves, whatever they were sent: their trace is
	// gone on with, and they decide whether it is sampled. Otherwise the header
	// is anybody's, and becomes a link. Default: false.
	TrustParent bool `conf:"trust_parent"`
}

// WithDefaults returns a copy in which every member left at zero has its
// default.
func (s Server) WithDefaults() Server {
	s.Listen = or(s.Listen, "127.0.0.1:8787")
	s.OpsListen = or(s.OpsListen, "127.0.0.1:8788")
	s.ShutdownTimeout = or(s.ShutdownTimeout, 30*time.Second)
	s.ReadHeaderTimeout = or(s.ReadHeaderTimeout, 10*time.Second)
	s.ReadTimeout = or(s.ReadTimeout, 30*time.Second)
	s.WriteTimeout = or(s.WriteTimeout, time.Minute)
	s.IdleTimeout = or(s.IdleTimeout, 2*time.Minute)
	s.MaxHeaderBytes = or(s.MaxHeaderBytes, 64<<10)
	s.Log.Format = or(s.Log.Format, "text")
	s.Log.Level = or(s.Log.Level, "info")
	s.Tracing.SampleOneIn = or(s.Tracing.SampleOneIn, 1)
	return s
}

// or returns v, or the default when v is the zero value.
func or[T comparable](v, byDefault T) T {
	var zero T
	if v == zero {
		return byDefault
	}
	return v
}
