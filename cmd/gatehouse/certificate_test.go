package main

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"log/slog"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-auth/gatehouse/internal/config"
)

// writeCertificate makes a certificate that signs itself with k, or with a new
// P-256 key when k is nil.
func writeCertificate(t *testing.T, host string, k crypto.Signer) (cert, key string) {
	t.Helper()
	return writeCertificateUntil(t, host, k, time.Now().Add(time.Hour))
}

func writeCertificateUntil(t *testing.T, host string, k crypto.Signer, ends time.Time) (cert, key string) {
	t.Helper()
	if k == nil {
		var err error
		if k, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
			t.Fatal(err)
		}
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: ends, DNSNames: []string{host}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, k.Public(), k)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(k)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	cert, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	for name, block := range map[string]*pem.Block{cert: {Type: "CERTIFICATE", Bytes: der}, key: {Type: "PRIVATE KEY", Bytes: keyDER}} {
		if err := os.WriteFile(name, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return cert, key
}

// renewal is a certificate in files that change under it, with a clock moved by
// hand.
type renewal struct {
	*certificate
	t   *testing.T
	log *bytes.Buffer
	at  time.Time
}

func renewing(t *testing.T, cert, key string) *renewal {
	t.Helper()
	r := &renewal{t: t, log: &bytes.Buffer{}}
	var err error
	if r.certificate, err = loadCertificate(config.TLS{CertFile: cert, KeyFile: key}, slog.New(slog.NewTextHandler(r.log, nil))); err != nil {
		t.Fatal(err)
	}
	r.at = time.Now()
	r.now = func() time.Time { return r.at }
	return r
}

// host is what the next connection sees, after the files may be looked at
// again.
func (r *renewal) host() string {
	r.t.Helper()
	r.at = r.at.Add(lookAgain)
	return r.hostNow()
}

func (r *renewal) hostNow() string {
	r.t.Helper()
	pair, err := r.get(nil)
	if err != nil {
		r.t.Fatal(err)
	}
	return pair.Leaf.DNSNames[0]
}

func (r *renewal) want(when, host string) {
	r.t.Helper()
	if got := r.host(); got != host {
		r.t.Errorf("%s: %s, want %s", when, got, host)
	}
}

// logged counts lines with the text and empties the log.
func (r *renewal) logged(text string) int {
	defer r.log.Reset()
	return strings.Count(r.log.String(), text)
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func overwrite(t *testing.T, to, from string) {
	t.Helper()
	content, err := os.ReadFile(from)
	must(t, err)
	must(t, os.WriteFile(to, content, 0o600))
}

const (
	usable   = "certificate read again"
	unusable = "the changed certificate cannot be used; the old one stays"
)

func TestCertificate_isReadAgainWhenItsFilesChange(t *testing.T) {
	cert, key := writeCertificate(t, "one.example", nil)
	c := renewing(t, cert, key)
	newCert, newKey := writeCertificate(t, "two.example", nil)

	overwrite(t, cert, newCert) // half of the change
	c.want("with a certificate whose key is missing", "one.example")
	c.want("and once more", "one.example")
	if n := c.logged(unusable); n != 1 {
		t.Errorf("half a change was told %d times, want once", n)
	}
	if _, failures := c.state(); failures != 1 {
		t.Errorf("%d failures, want 1", failures)
	}
	overwrite(t, key, newKey)
	if got := c.hostNow(); got != "one.example" {
		t.Errorf("looked at the files more often than every %v", lookAgain)
	}
	c.want("after the change", "two.example")
	if n := c.logged(usable); n != 1 {
		t.Errorf("the change was told %d times, want once", n)
	}
}

func TestCertificate_isReadAgainAfterARename(t *testing.T) {
	cert, key := writeCertificate(t, "one.example", nil)
	c := renewing(t, cert, key)
	newCert, newKey := writeCertificate(t, "two.example", nil)
	// Of the same age and size as the old ones, as tools that keep times make
	// them.
	old, err := os.Stat(cert)
	must(t, err)
	must(t, os.Chtimes(newCert, old.ModTime(), old.ModTime()))
	must(t, os.Chtimes(newKey, old.ModTime(), old.ModTime()))
	must(t, os.Rename(newKey, key))
	must(t, os.Rename(newCert, cert))
	c.want("after the rename", "two.example")
}

// Kubernetes mounts a secret as links through ..data, which is turned to a new
// folder in one step.
func TestCertificate_isReadAgainWhenALinkIsTurned(t *testing.T) {
	folder := func(host string) string {
		cert, key := writeCertificate(t, host, nil)
		dir := filepath.Dir(cert)
		must(t, os.Rename(cert, filepath.Join(dir, "tls.crt")))
		must(t, os.Rename(key, filepath.Join(dir, "tls.key")))
		return dir
	}
	mount := t.TempDir()
	must(t, os.Symlink(folder("one.example"), filepath.Join(mount, "..data")))
	for _, name := range []string{"tls.crt", "tls.key"} {
		must(t, os.Symlink(filepath.Join("..data", name), filepath.Join(mount, name)))
	}
	c := renewing(t, filepath.Join(mount, "tls.crt"), filepath.Join(mount, "tls.key"))
	must(t, os.Symlink(folder("two.example"), filepath.Join(mount, "..data_tmp")))
	must(t, os.Rename(filepath.Join(mount, "..data_tmp"), filepath.Join(mount, "..data")))
	c.want("after the link was turned", "two.example")
	if n := c.logged(unusable); n != 0 {
		t.Error("a change in one step was taken for half a change")
	}
}

func TestCertificate_survivesThatItsFilesAreGone(t *testing.T) {
	cert, key := writeCertificate(t, "one.example", nil)
	c := renewing(t, cert, key)
	must(t, os.Rename(cert, cert+".away"))
	c.want("without the file", "one.example")
	must(t, os.WriteFile(cert, nil, 0o600))
	c.want("with an empty file", "one.example")
	if n := c.logged(unusable); n != 2 {
		t.Errorf("told %d times, want once for each", n)
	}
	must(t, os.Rename(cert+".away", cert))
	c.want("as before", "one.example")
	if got := c.log.String(); got != "" {
		t.Errorf("nothing has changed in the end, and the log says %s", got)
	}
}

func TestCertificate_reloadLooksAtOnce(t *testing.T) {
	cert, key := writeCertificate(t, "one.example", nil)
	c := renewing(t, cert, key)
	newCert, newKey := writeCertificate(t, "two.example", nil)
	overwrite(t, cert, newCert)
	overwrite(t, key, newKey)
	c.reload()
	if got := c.hostNow(); got != "two.example" {
		t.Errorf("after reload: %s", got)
	}
	if ends, _ := c.state(); !ends.Equal(c.current.Leaf.NotAfter) || ends.IsZero() {
		t.Errorf("it ends at %v", ends)
	}
}

// A renewal that went wrong brings yesterday's certificate: the good one stays.
func TestCertificate_keepsAGoodOneWhenTheNewOneHasEnded(t *testing.T) {
	cert, key := writeCertificate(t, "one.example", nil)
	c := renewing(t, cert, key)
	endedCert, endedKey := writeCertificateUntil(t, "two.example", nil, time.Now().Add(-time.Minute))
	overwrite(t, cert, endedCert)
	overwrite(t, key, endedKey)
	c.want("after a change to one that has ended", "one.example")
	if _, failures := c.state(); failures != 1 {
		t.Errorf("%d failures, want 1", failures)
	}
	c.at = c.at.Add(2 * time.Hour) // now both have ended
	goodCert, goodKey := writeCertificateUntil(t, "three.example", nil, c.at.Add(time.Hour))
	overwrite(t, cert, goodCert)
	overwrite(t, key, goodKey)
	c.want("after a good renewal", "three.example")
}

func TestCertificate_neverLogsItsKey(t *testing.T) {
	cert, key := writeCertificate(t, "one.example", nil)
	c := renewing(t, cert, key)
	content, err := os.ReadFile(key)
	must(t, err)
	must(t, os.WriteFile(cert, content, 0o600)) // the key in place of the certificate
	c.want("with a key for a certificate", "one.example")
	line, _, _ := strings.Cut(strings.TrimPrefix(string(content), "-----BEGIN PRIVATE KEY-----\n"), "\n")
	if text := c.log.String(); !strings.Contains(text, unusable) || strings.Contains(text, line[:16]) {
		t.Errorf("the log says %s", text)
	}
}
