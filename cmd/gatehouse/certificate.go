package main

import (
	"crypto/tls"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"

	"github.com/gatehouse-auth/gatehouse/internal/config"
)

// certificate is read from its files, and again when they change: whoever
// renews it need not restart the server.
type certificate struct {
	files  config.TLS
	logger *slog.Logger
	now    func() time.Time

	mu      sync.Mutex
	current *tls.Certificate
	version string
	looked  time.Time
}

// lookAgain is how often the files are looked at, at most.
const lookAgain = 10 * time.Second

func loadCertificate(files config.TLS, logger *slog.Logger) (*certificate, error) {
	c := &certificate{files: files, logger: logger, now: time.Now}
	version := c.versionNow()
	if err := c.read(version); err != nil {
		return nil, fmt.Errorf("the certificate %s cannot be loaded with its key: %w", files.CertFile, err)
	}
	c.looked = c.now()
	return c, nil
}

// get serves tls.Config.GetCertificate. New files that cannot be used, half
// written perhaps, leave the old certificate in place.
func (c *certificate) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if now := c.now(); now.Sub(c.looked) >= lookAgain {
		c.looked = now
		if version := c.versionNow(); version != c.version {
			if err := c.read(version); err != nil {
				c.logger.Error("the changed certificate cannot be used; the old one stays", "err", err)
			} else {
				c.logger.Info("certificate read again", "file", c.files.CertFile)
			}
		}
	}
	return c.current, nil
}

func (c *certificate) read(version string) error {
	pair, err := tls.LoadX509KeyPair(c.files.CertFile, c.files.KeyFile)
	if err != nil {
		return err
	}
	c.current, c.version = &pair, version
	return nil
}

// versionNow changes when one of the files does.
func (c *certificate) versionNow() (v string) {
	for _, name := range []string{c.files.CertFile, c.files.KeyFile} {
		if info, err := os.Stat(name); err == nil {
			v += fmt.Sprint(info.ModTime().UnixNano(), " ", info.Size(), " ")
		}
	}
	return v
}
