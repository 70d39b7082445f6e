package config

import (
	"crypto/tls"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gatehouse-auth/gatehouse/internal/password"
)

// checkServer checks what the library knows nothing of: listeners, files,
// timeouts, logging. Settings that could not be read are left alone.
func (l *loader) checkServer() {
	s := &l.settings
	unread := slices.Clone(l.problems)
	check := func(path string, f func()) {
		if !slices.ContainsFunc(unread, func(u Problem) bool { return related(u.Field, path) }) {
			f()
		}
	}
	check("listen", func() { l.checkAddress("listen", s.Listen) })
	check("ops_listen", func() { l.checkAddress("ops_listen", s.OpsListen) })
	check("ops_listen", l.checkApart)
	check("tls", l.checkTLS)
	check("database.path", l.checkDatabase)
	for _, d := range []struct {
		path        string
		value       time.Duration
		least, most time.Duration
	}{
		{"shutdown_timeout", s.ShutdownTimeout, time.Second, time.Hour},
		{"shutdown_delay", s.ShutdownDelay, 0, 10 * time.Minute},
		{"read_header_timeout", s.ReadHeaderTimeout, time.Second, time.Minute},
		{"read_timeout", s.ReadTimeout, time.Second, 10 * time.Minute},
		{"write_timeout", s.WriteTimeout, time.Second, 10 * time.Minute},
		{"idle_timeout", s.IdleTimeout, time.Second, time.Hour},
	} {
		check(d.path, func() {
			if d.value < d.least || d.value > d.most {
				cure := "give " + FormatDuration(d.least) + " to " + FormatDuration(d.most)
				if d.least == 0 {
					cure = "give at most " + FormatDuration(d.most)
				}
				l.note(d.path, cure, "%s is out of bounds", FormatDuration(d.value))
			}
		})
	}
	check("max_header_bytes", func() {
		if s.MaxHeaderBytes < 4<<10 || s.MaxHeaderBytes > 1<<20 {
			l.note("max_header_bytes", "give 4096 to 1048576", "%d is out of bounds", s.MaxHeaderBytes)
		}
	})
	check("log.format", func() {
		if f := s.Log.Format; f != "text" && f != "json" {
			l.note("log.format", `say "text" or "json"`, "%q is not a format", f)
		}
	})
	check("log.level", func() {
		if !slices.Contains([]string{"debug", "info", "warn", "error"}, s.Log.Level) {
			l.note("log.level", `say "debug", "info", "warn" or "error"`, "%q is not a level", s.Log.Level)
		}
	})
	l.checkClientAddress()
	check("tracing", l.checkTracing)
	check("password.breached_file", l.checkBreached)
}

// checkBreached looks at the list of breached passwords as the server will.
func (l *loader) checkBreached() {
	file := l.settings.Password.BreachedFile
	if file == "" {
		return
	}
	list, err := password.OpenBreached(file)
	if err != nil {
		l.note("password.breached_file", "name a readable file of SHA-1 hashes in order, as Have I Been Pwned's downloader writes it, or leave it out",
			"cannot be used: %s", strings.TrimPrefix(err.Error(), password.ErrBreachedList.Error()+": "))
		return
	}
	_ = list.Close()
}

func (l *loader) checkAddress(path, address string) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		l.note(path, "give host and port, as 127.0.0.1:8787", "%q is not an address to listen on", address)
		return
	}
	if n, err := strconv.Atoi(port); err != nil || n < 0 || n > 65535 || strconv.Itoa(n) != port {
		l.note(path, "give a port of 1 to 65535, or 0 for any free one", "%q has no such port", address)
	}
	if strings.ContainsFunc(host, func(r rune) bool { return r <= ' ' || r == '/' }) {
		l.note(path, "give host and port, as 127.0.0.1:8787", "%q has a host that cannot be", address)
	}
}

// checkApart keeps health and readiness off the public listener.
func (l *loader) checkApart() {
	host, port, err1 := net.SplitHostPort(l.settings.Listen)
	opsHost, opsPort, err2 := net.SplitHostPort(l.settings.OpsListen)
	if err1 != nil || err2 != nil || port != opsPort || port == "0" {
		return
	}
	if host == opsHost || everyHost(host) || everyHost(opsHost) {
		l.note("ops_listen", "give it a port of its own", "%q is taken by listen, %q", l.settings.OpsListen, l.settings.Listen)
	}
}

// everyHost says whether the host stands for all addresses of the machine.
func everyHost(host string) bool {
	if host == "" {
		return true
	}
	a, err := netip.ParseAddr(host)
	return err == nil && a.IsUnspecified()
}

// checkTLS demands that somebody ends TLS when browsers speak it, and that the
// certificate can be used.
func (l *loader) checkTLS() {
	s := &l.settings
	https := strings.HasPrefix(s.PublicOrigin, "https:")
	cert, key := s.TLS.CertFile, s.TLS.KeyFile
	switch {
	case cert == "" && key == "":
		if https && !s.BehindProxy {
			l.note("tls.cert_file", "name a certificate and its key in tls.cert_file and tls.key_file, or set behind_proxy: true if a proxy in front ends TLS",
				"is missing, and public_origin is https")
		}
		host, _, _ := net.SplitHostPort(s.Listen)
		if a, err := netip.ParseAddr(host); !https && (everyHost(host) || err == nil && !a.IsLoopback()) {
			l.warn("listen", "listen on 127.0.0.1 unless a container needs this", "%q takes plain http from other machines, while public_origin is this machine alone", s.Listen)
		}
		return
	case cert == "":
		l.note("tls.cert_file", "name the certificate too", "is missing beside tls.key_file")
		return
	case key == "":
		l.note("tls.key_file", "name the key too", "is missing beside tls.cert_file")
		return
	case !https && s.PublicOrigin != "":
		l.note("tls.cert_file", "make public_origin https, or leave the certificate out", "is given, and public_origin is http")
	}
	if info, err := os.Stat(key); err == nil {
		if problem := OpenToOthers(info.Mode()); problem != "" {
			l.note("tls.key_file", "chmod 600 "+key, "names %s, which %s", key, problem)
		}
	}
	if _, err := tls.LoadX509KeyPair(cert, key); err != nil {
		l.note("tls.cert_file", "name a PEM certificate with its chain, and in tls.key_file its key", "cannot be loaded with its key: %v", err)
	}
}

// checkDatabase looks for the folder alone: the file itself may not be there
// yet, and is looked at when it is opened.
func (l *loader) checkDatabase() {
	folder := filepath.Dir(l.settings.Database.Path)
	if info, err := os.Stat(folder); err != nil || !info.IsDir() {
		l.note("database.path", "make the folder (mkdir -m 700), or name another", "is in %s, which is not a folder", folder)
	}
}

// checkClientAddress refuses what would give every caller the proxy's address.
func (l *loader) checkClientAddress() {
	if l.settings.BehindProxy && l.settings.ClientAddress.PeerIsClient {
		l.note("client_address.peer_is_client", "remove it, and name the proxy in client_address.trusted_proxies",
			"contradicts behind_proxy: every caller would have the proxy's address")
	}
}
