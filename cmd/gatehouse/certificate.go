package main

import (
	"crypto/sha256"
	"crypto/tls"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/gatehouse-auth/gatehouse/internal/config"
)

// certificate is read from its files, and again when they change: whoever
// renews it need not restart the server. It goes by the content of the files,
// so a rename over them, a symbolic link that is turned (as Kubernetes does)
// and a write in place are all the same.
type certificate struct {
	files  config.TLS
	logger *slog.Logger
	now    func() time.Time

	mu      sync.Mutex
	current *tls.Certificate
	// version is the content that was last looked at, good or not; what cannot
	// be used is told once.
	version  version
	looked   time.Time
	failures uint64
}

// version tells contents of the two files apart.
type version [sha256.Size]byte

// lookAgain is how often the files are looked at, at most.
const lookAgain = 10 * time.Second

func loadCertificate(files config.TLS, logger *slog.Logger) (*certificate, error) {
	c := &certificate{files: files, logger: logger, now: time.Now}
	pair, v, err := c.read()
	if err != nil {
		return nil, fmt.Errorf("the certificate %s cannot be loaded with its key: %w", files.CertFile, err)
	}
	c.current, c.version, c.looked = pair, v, c.now()
	return c, nil
}

// get serves tls.Config.GetCertificate.
func (c *certificate) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.now().Sub(c.looked) >= lookAgain {
		c.look()
	}
	return c.current, nil
}

// reload looks at the files at once, for SIGHUP.
func (c *certificate) reload() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.look()
}

// state says when the certificate in use ends and how many changed files could
// not be used. It looks as a connection would, so that the answer is right also
// where nobody connects.
func (c *certificate) state() (ends time.Time, failures uint64) {
	pair, _ := c.get(nil)
	c.mu.Lock()
	defer c.mu.Unlock()
	return pair.Leaf.NotAfter, c.failures
}

// look takes changed files. Those that cannot be used, half written perhaps,
// leave the old certificate in place.
func (c *certificate) look() {
	c.looked = c.now()
	pair, v, err := c.read()
	if v == c.version {
		return
	}
	c.version = v
	if err != nil {
		c.failures++
		c.logger.Error("the changed certificate cannot be used; the old one stays", "file", c.files.CertFile, "err", err, "ends", c.current.Leaf.NotAfter.UTC())
		return
	}
	if slices.EqualFunc(pair.Certificate, c.current.Certificate, slices.Equal) {
		return // half a change that was taken back
	}
	if now := c.now(); valid(c.current, now) && !valid(pair, now) {
		c.failures++
		c.logger.Error("the changed certificate has ended or has not begun; the old one stays", "file", c.files.CertFile,
			"begins", pair.Leaf.NotBefore.UTC(), "ended", pair.Leaf.NotAfter.UTC(), "ends", c.current.Leaf.NotAfter.UTC())
		return
	}
	c.current = pair
	c.logger.Info("certificate read again", "file", c.files.CertFile, "ends", pair.Leaf.NotAfter.UTC())
}

// valid says whether the moment lies in the certificate's time.
func valid(pair *tls.Certificate, now time.Time) bool {
	return !now.Before(pair.Leaf.NotBefore) && !now.After(pair.Leaf.NotAfter)
}

// read returns what is in the files, and their version also when it cannot be
// used. Both are read once, so that what is judged is what is taken.
func (c *certificate) read() (*tls.Certificate, version, error) {
	cert, err := os.ReadFile(c.files.CertFile)
	if err != nil {
		return nil, sha256.Sum256([]byte("no certificate")), err
	}
	key, err := os.ReadFile(c.files.KeyFile)
	if err != nil {
		return nil, sha256.Sum256([]byte("no key")), err
	}
	h := sha256.New()
	fmt.Fprintf(h, "%d:", len(cert))
	h.Write(cert)
	h.Write(key)
	v := version(h.Sum(nil))
	pair, err := tls.X509KeyPair(cert, key)
	return &pair, v, err
}
