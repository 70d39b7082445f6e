package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"runtime"
	"syscall"
	"time"

	"github.com/gatehouse-auth/gatehouse"
	"github.com/gatehouse-auth/gatehouse/internal/config"
	"github.com/gatehouse-auth/gatehouse/internal/telemetry"
)

type serveCmd struct {
	settingsFlag
}

// Run serves until a signal comes.
func (c *serveCmd) Run(p *program) error {
	s, err := c.load(p)
	if err != nil {
		return err
	}
	s.Config.Logger = logger(p.stderr, s.Log)
	srv := &server{Server: s.Server, logger: s.Config.Logger, begun: p.begun, notify: p.notifier()}
	var about telemetry.Program
	hangup := func() { s.Config.Logger.Info("SIGHUP: nothing to read again; settings are read at the start") }
	if s.TLS.CertFile != "" {
		files, err := loadCertificate(s.TLS, s.Config.Logger)
		if err != nil {
			return err
		}
		srv.tls = tlsConfig(files)
		about.Certificate = files.state
		hangup = files.reload
	}
	defer onHangup(hangup)()
	srv.measure(&s, about)
	defer srv.tracing.end()
	// Before the ports, which a server of this installation has too.
	if pid, served := gatehouse.ServedBy(s.Config.Database.Path); served && s.Config.Database.URL == "" {
		return runningError{pid, "the database " + s.Config.Database.Path, "give this one another file with database.path"}
	}
	if srv.public, err = listen(s.Listen, "listen"); err != nil {
		return err
	}
	defer srv.public.Close()
	if srv.ops, err = listen(s.OpsListen, "ops_listen"); err != nil {
		return err
	}
	defer srv.ops.Close()
	g, err := patiently(p.ctx, s.Config, gatehouse.New)
	if err != nil {
		return err
	}
	srv.gate = g
	if g.ManagementOnOps() {
		srv.management = g.ManagementHandler()
	}
	adviseSetup(p.ctx, s.Config, g)
	besideHashes(s.Config.WithDefaults().Password.Workers)
	srv.operator = append(srv.operator, doctorEndpoints(p, s, g)...)
	return srv.run(p.ctx)
}

// waitForDatabase is how long a server that starts waits for a database server
// that starts too, after a power cut for one.
const waitForDatabase = time.Minute

// patiently opens the installation, and tries again while its database server
// is away. Whatever else is wrong ends it at once.
func patiently(ctx context.Context, c gatehouse.Config, open openFunc) (*gatehouse.Gatehouse, error) {
	for begun, told := time.Now(), false; ; {
		g, err := open(ctx, c)
		if err == nil || !gatehouse.DatabaseAway(err) || time.Since(begun) > waitForDatabase {
			return g, err
		}
		if !told {
			c.Logger.Warn("the database cannot be reached yet; trying again", "for", waitForDatabase, "err", err)
			told = true
		}
		select {
		case <-ctx.Done():
			return nil, err
		case <-time.After(time.Second):
		}
	}
}

// besideHashes lets Go run as many threads more as there may be hashes at once.
// Go runs as many as there are cores; while hashes have them all, every request
// would wait until the scheduler takes one away from a hash, ten milliseconds or
// more. With threads to spare the system decides, and it favours the requests:
// hashing threads have a lower priority (package password).
func besideHashes(workers int) { runtime.GOMAXPROCS(runtime.GOMAXPROCS(0) + workers) }

// tlsConfig allows TLS 1.3, and of 1.2 the suites with forward secrecy and
// authenticated encryption alone; Go's own choice still has CBC with SHA-1.
func tlsConfig(files *certificate) *tls.Config {
	return &tls.Config{
		MinVersion:     tls.VersionTLS12,
		GetCertificate: files.get,
		CipherSuites: []uint16{
			tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
			tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
			tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256, tls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
		},
	}
}

// runningError says that a server has what this one wants, and the cure beside
// ending that one. pid is empty when it could not be read.
type runningError struct{ pid, what, cure string }

func (e runningError) Error() string {
	who := "Gatehouse is running already"
	if e.pid != "" {
		who += " (process " + e.pid + ")"
	}
	return fmt.Sprintf("%s: it serves %s; stop it first, or %s", who, e.what, e.cure)
}

// listen opens a TCP listener; setting is what to change when that fails.
func listen(address, setting string) (net.Listener, error) {
	ln, err := net.Listen("tcp", address)
	if err != nil {
		return nil, refusedAddress(address, setting, err)
	}
	return ln, nil
}

// refusedAddress says why there can be no listener, and the cure.
func refusedAddress(address, setting string, err error) error {
	host, port, _ := net.SplitHostPort(address)
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return fmt.Errorf("port %s on %s is taken by another program; end that one, or choose another port with %s", port, host, setting)
	case errors.Is(err, syscall.EACCES):
		return fmt.Errorf("port %s is reserved for the system; choose one above 1023 with %s, or give the program CAP_NET_BIND_SERVICE", port, setting)
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return fmt.Errorf("%s is no address of this machine; choose another with %s", host, setting)
	}
	return fmt.Errorf("cannot listen on %s (%w); choose another address with %s", address, err, setting)
}

var _ gate = (*gatehouse.Gatehouse)(nil)

// opsAddress is for the log: dev has no ops listener.
func opsAddress(ln net.Listener) string {
	if ln == nil {
		return "none"
	}
	return ln.Addr().String()
}

// devServer are the settings of gatehouse dev.
func devServer(address string) config.Server {
	return config.Server{Listen: address}.WithDefaults()
}
