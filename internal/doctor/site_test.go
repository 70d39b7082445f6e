package doctor_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"io"
	"log"
	"log/slog"
	"maps"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode"

	"github.com/gatehouse-auth/gatehouse"
	"github.com/gatehouse-auth/gatehouse/internal/doctor"
	"github.com/gatehouse-auth/gatehouse/internal/web"
	"github.com/gatehouse-auth/gatehouse/internal/web/ops"
)

const version = "(devel) test"

// secrets are all that were made, so that no report shows one.
var secrets struct {
	sync.Mutex
	made []string
}

// secret is a fresh random one.
func secret() gatehouse.Secret {
	secrets.Lock()
	defer secrets.Unlock()
	s := rand.Text() + rand.Text()
	secrets.made = append(secrets.made, s)
	return gatehouse.Secret(s)
}

// keepsSecrets fails when a report shows a secret, a mark that is made with
// one, or a control character from outside.
func keepsSecrets(t *testing.T, r doctor.Report) {
	t.Helper()
	written, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	text := string(written) + r.Text()
	secrets.Lock()
	defer secrets.Unlock()
	for _, s := range append(slices.Clone(secrets.made), ops.ProbeQuery+"=") {
		if strings.Contains(text, s) {
			t.Errorf("the report shows %q:\n%s", s, text)
		}
	}
	if strings.ContainsFunc(r.Text(), func(c rune) bool { return c != '\n' && !unicode.IsPrint(c) }) {
		t.Errorf("the report has control characters: %q", r.Text())
	}
}

// site is an installation: files, a running Gatehouse with its listeners, and
// whatever a test puts in front of it.
type site struct {
	t    *testing.T
	dir  string
	look doctor.Options
	// hosts says where names and ports lead.
	hosts map[string]string
	ca    *authority
	// instance is what the ops listener says of itself.
	instance ops.Instance
	ready    func(context.Context) error
	// gate is the address of Gatehouse's own listener, ops of the other.
	gate, ops string
	stop      func()
	// handler is Gatehouse itself.
	handler http.Handler
	// alter changes the facts before they are judged.
	alter []func(*doctor.Facts)
}

// settle makes the files of an installation, and its settings as the program
// hands them over.
func settle(t *testing.T, change func(*doctor.Settings)) *site {
	t.Helper()
	s := &site{t: t, dir: t.TempDir(), hosts: map[string]string{}}
	for _, folder := range []string{"etc", "lib"} {
		if err := os.Mkdir(s.path(folder), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	own, app := secret(), secret()
	s.write("etc/own", own.Reveal())
	s.write("etc/app", app.Reveal())
	s.write("etc/gatehouse.yaml", "# as the settings below")
	set := doctor.Settings{
		Config: gatehouse.Config{
			PublicOrigin: "https://app.example", Secrets: []gatehouse.Secret{own}, Mounts: []gatehouse.Mount{{Secrets: []gatehouse.Secret{app}}},
			Database:      gatehouse.Database{Path: s.path("lib/gatehouse.db")},
			ClientAddress: gatehouse.ClientAddress{TrustedProxies: []string{"127.0.0.1"}},
		},
		ConfigFile: s.path("etc/gatehouse.yaml"), SecretFiles: []string{s.path("etc/own"), s.path("etc/app")},
		BehindProxy: true, WriteTimeout: time.Minute, Listen: "127.0.0.1:8787", OpsListen: "127.0.0.1:8788",
		Digests: map[string]string{"secrets": "d1", "listen": "d2", "database.path": "d3"},
	}
	set.Logger = slog.New(slog.DiscardHandler)
	if change != nil {
		change(&set)
	}
	set.Config = set.WithDefaults()
	s.look = doctor.Options{
		Settings: set, Version: version, Timeout: 5 * time.Second,
		Machine: func(int, gatehouse.Password) doctor.Machine {
			return doctor.Machine{Cores: 64, Memory: 64 << 30, MemoryOf: "this machine", Hash: 25 * time.Millisecond}
		},
		Route: func(address string) string {
			if to, ok := s.hosts[address]; ok {
				return to
			}
			return address
		},
	}
	s.instance = ops.Instance{Version: version, Started: time.Now(), Settings: maps.Clone(set.Digests)}
	return s
}

func (s *site) path(name string) string { return filepath.Join(s.dir, name) }

func (s *site) write(name, content string) {
	s.t.Helper()
	if err := os.WriteFile(s.path(name), []byte(content), 0o600); err != nil {
		s.t.Fatal(err)
	}
}

// serve starts Gatehouse with the settings.
func (s *site) serve() *site {
	s.t.Helper()
	g, err := gatehouse.New(s.t.Context(), s.look.Settings.Config)
	if err != nil {
		s.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- g.Run(ctx) }()
	public := listenAt(s.t, s.look.Settings.Listen, g.Handler())
	s.ready, s.handler = g.Ready, g.Handler()
	admin := listenAt(s.t, s.look.Settings.OpsListen, ops.Handler(
		func(ctx context.Context) error { return s.ready(ctx) },
		append([]web.Endpoint(nil), ops.DoctorEndpoints(func() ops.Instance {
			i := s.instance
			if i.Now.IsZero() {
				i.Now = time.Now()
			}
			return i
		}, g.Probed)...)...))
	s.gate, s.ops = public.Listener.Addr().String(), admin.Listener.Addr().String()
	s.hosts[s.look.Settings.Listen], s.hosts[s.look.Settings.OpsListen] = s.gate, s.ops
	stopped := false
	s.stop = func() {
		if stopped {
			return
		}
		stopped = true
		public.Close()
		admin.Close()
		cancel()
		if err := <-done; err != nil {
			s.t.Errorf("run: %v", err)
		}
		if err := g.Close(); err != nil {
			s.t.Errorf("close: %v", err)
		}
	}
	s.t.Cleanup(s.stop)
	for deadline := time.Now().Add(20 * time.Second); g.Ready(ctx) != nil; {
		if time.Now().After(deadline) {
			s.t.Fatal(g.Ready(ctx))
		}
		<-time.After(time.Millisecond)
	}
	return s
}

// listenAt serves on any free port of loopback; a test's settings name another
// one, and hosts leads there.
func listenAt(t *testing.T, _ string, h http.Handler) *httptest.Server {
	t.Helper()
	srv := httptest.NewServer(h)
	srv.Config.ErrorLog = quiet
	t.Cleanup(srv.Close)
	return srv
}

var quiet = log.New(io.Discard, "", 0)

// proxy is a reverse proxy that, as nginx does, passes everything on but what a
// test changes. It sets no forwarding header by itself.
func (s *site) proxy(to string, change func(*httputil.ProxyRequest), answer func(*http.Response) error) http.Handler {
	target := &url.URL{Scheme: "http", Host: to}
	return &httputil.ReverseProxy{
		ErrorLog: quiet,
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(target)
			r.Out.Host = r.In.Host
			for _, name := range []string{"Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto"} {
				if lines := r.In.Header[name]; len(lines) > 0 {
					r.Out.Header[name] = lines
				}
			}
			if change != nil {
				change(r)
			}
		},
		ModifyResponse: answer,
	}
}

// remoteAddress is the nginx setting of docs/operating.md.
func remoteAddress(r *httputil.ProxyRequest) {
	host, _, _ := net.SplitHostPort(r.In.RemoteAddr)
	r.Out.Header.Set("X-Forwarded-For", host)
	r.Out.Header.Set("X-Forwarded-Proto", "https")
}

// nginx is the right proxy.
func (s *site) nginx() http.Handler { return s.proxy(s.gate, remoteAddress, nil) }

// atTLS puts h where https://app.example leads, with a good certificate, and a
// redirect beside it at port 80.
func (s *site) atTLS(h http.Handler) *site {
	s.t.Helper()
	if s.ca == nil {
		s.ca = newAuthority(s.t)
		s.look.Roots = x509.NewCertPool()
		s.look.Roots.AddCert(s.ca.cert)
	}
	return s.atTLSWith(h, s.ca.issue(s.t, nil))
}

func (s *site) atTLSWith(h http.Handler, cert tls.Certificate) *site {
	s.t.Helper()
	srv := httptest.NewUnstartedServer(h)
	srv.Config.ErrorLog = quiet
	srv.TLS = &tls.Config{Certificates: []tls.Certificate{cert}}
	srv.StartTLS()
	s.t.Cleanup(srv.Close)
	s.hosts["app.example:443"] = srv.Listener.Addr().String()
	return s.at80(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "https://"+r.Host+r.URL.RequestURI(), http.StatusPermanentRedirect)
	}))
}

func (s *site) at80(h http.Handler) *site {
	s.hosts["app.example:80"] = listenAt(s.t, "", h).Listener.Addr().String()
	return s
}

// judge looks and judges.
func (s *site) judge() doctor.Report {
	s.t.Helper()
	facts := doctor.Look(s.t.Context(), s.look)
	for _, change := range s.alter {
		change(&facts)
	}
	r := doctor.Judge(facts)
	keepsSecrets(s.t, r)
	return r
}

// ids are those of the findings, in their order.
func ids(r doctor.Report) string {
	var list []string
	for _, f := range r.Findings {
		list = append(list, f.ID)
	}
	return strings.Join(list, " ")
}

// authority signs certificates.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	return (*authority)(nil).intermediate(t)
}

// intermediate is an authority signed by a, or by itself.
func (a *authority) intermediate(t *testing.T) *authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: "Test Authority " + rand.Text()[:4]},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(1000 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	parent, signer := template, key
	if a != nil {
		parent, signer = a.cert, a.key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, signer)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return &authority{cert, key}
}

// issue makes a good certificate for app.example, but for what change says.
func (a *authority) issue(t *testing.T, change func(*x509.Certificate)) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: "app.example"}, DNSNames: []string{"app.example"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(60 * 24 * time.Hour),
		IssuingCertificateURL: []string{"http://authority.invalid/ca.der"},
	}
	if change != nil {
		change(template)
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, &key.PublicKey, a.key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}
