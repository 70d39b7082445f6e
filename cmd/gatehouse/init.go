package main

import (
	"fmt"
	"net/url"
	"path/filepath"
	"strings"

	"github.com/gatehouse-auth/gatehouse"
	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/config"
)

// settingsFile is what init calls the configuration file. The files of secrets
// have the names that gatehouse dev gives them.
const settingsFile = "gatehouse.yaml"

type initCmd struct {
	Dir          string `help:"Folder to write into; made if it is missing (default: this one)." default:"." placeholder:"DIR"`
	Origin       string `help:"Address of the application as the browser sees it, as https://app.example." placeholder:"URL"`
	Dialect      string `help:"v4 for next-auth 4, v5 for Auth.js (next-auth 5)." complete:"v4,v5" placeholder:"v4|v5"`
	Registration string `help:"Who may sign up: open, invitation or closed." complete:"open,invitation,closed" placeholder:"MODE"`
	Data         string `help:"Folder for the database; made if it is missing (default: data, within --dir)." placeholder:"DIR"`
	BehindProxy  bool   `help:"A trusted proxy in front ends TLS." xor:"tls"`
	TLSCert      string `name:"tls-cert" help:"Gatehouse ends TLS itself: certificate and chain (PEM)." placeholder:"FILE" xor:"tls"`
	TLSKey       string `name:"tls-key" help:"Private key of the certificate (PEM)." placeholder:"FILE"`
	Name         string `help:"Name of the service on the hosted pages (default: the host of --origin)." placeholder:"TEXT"`
	Yes          bool   `help:"Ask nothing; take the default for what no flag says."`
}

// Run asks what no flag has said, writes the files, and tells what comes next.
// Nothing is written before the last answer is good.
func (c *initCmd) Run(p *program) error {
	if c.TLSKey != "" && c.TLSCert == "" {
		return usage("--tls-key stands alone; name the certificate with --tls-cert")
	}
	dir, err := filepath.Abs(c.Dir)
	if err != nil {
		return err
	}
	if err := refuseExisting(dir); err != nil {
		return err
	}
	if err := refuseUnwritable(dir); err != nil {
		return err
	}
	s := config.Settings{Config: gatehouse.Config{
		Secrets: []auth.Secret{auth.Secret(newSecret())},
		Mounts:  []gatehouse.Mount{{BasePath: "/api/auth", Secrets: []auth.Secret{auth.Secret(newSecret())}}},
	}}
	if err := newInterview(p, c.Yes).conduct(&s, c.questions(dir)); err != nil {
		return err
	}
	files := newInstallation(dir, s)
	if err := files.write(); err != nil {
		return err
	}
	files.warn(p.stderr)
	return files.tell(p.stdout)
}

// questions are what init wants to know, in this order.
func (c *initCmd) questions(dir string) []question {
	return []question{{
		flag: "origin", given: c.Origin, fields: []string{"public_origin"},
		text:      "Address of the application as the browser sees it",
		byDefault: func(*config.Settings) string { return defaultOrigin },
		set:       func(s *config.Settings, a string) { s.PublicOrigin = a },
	}, {
		flag: "dialect", given: c.Dialect, fields: []string{"mounts[0].dialect"},
		text:      "Version of next-auth in the application, v4 or v5",
		byDefault: func(*config.Settings) string { return "v4" },
		set: func(s *config.Settings, a string) {
			if a == "4" || a == "5" {
				a = "v" + a
			}
			s.Mounts[0].Dialect = a
		},
	}, {
		flag: "registration", given: c.Registration, fields: []string{"registration.mode"},
		text:      "Who may sign up: open, invitation or closed",
		byDefault: func(*config.Settings) string { return "closed" },
		set:       func(s *config.Settings, a string) { s.Registration.Mode = a },
	}, {
		flag: "data", given: c.Data, fields: []string{"database.path"},
		check:     func(s config.Settings) error { return checkDataFolder(s, dir) },
		text:      "Folder for the database",
		byDefault: func(*config.Settings) string { return filepath.Join(dir, "data") },
		set: func(s *config.Settings, a string) {
			s.Database.Path = filepath.Join(absolute(a), devDatabase)
		},
	}, {
		flag: "behind-proxy", given: c.tlsBy(), fields: []string{"behind_proxy"}, when: browsersSpeakTLS,
		text:      "Who ends TLS: a proxy in front, or Gatehouse itself with a certificate (proxy, gatehouse)",
		byDefault: func(*config.Settings) string { return "proxy" },
		among:     []string{"proxy", "gatehouse"},
		set:       func(s *config.Settings, a string) { s.BehindProxy = a == "proxy" },
	}, {
		flag: "tls-cert", given: c.TLSCert, fields: []string{"tls.cert_file"}, check: checkCertificateFile, when: gatehouseEndsTLS,
		text: "Certificate and chain, a PEM file",
		set:  func(s *config.Settings, a string) { s.TLS.CertFile = absolute(a) },
	}, {
		flag: "tls-key", given: c.TLSKey, fields: []string{"tls.cert_file", "tls.key_file"}, back: 1, when: gatehouseEndsTLS,
		text: "Private key of the certificate, a PEM file",
		set:  func(s *config.Settings, a string) { s.TLS.KeyFile = absolute(a) },
	}, {
		flag: "name", given: c.Name, fields: []string{"name"},
		text:      "Name of the service on the sign-in page",
		byDefault: hostOf,
		set:       func(s *config.Settings, a string) { s.Name = a },
	}}
}

// tlsBy is the answer that the flags give to who ends TLS, if they do.
func (c *initCmd) tlsBy() string {
	switch {
	case c.TLSCert != "":
		return "gatehouse"
	case c.BehindProxy:
		return "proxy"
	}
	return ""
}

func browsersSpeakTLS(s *config.Settings) bool { return strings.HasPrefix(s.PublicOrigin, "https:") }

func gatehouseEndsTLS(s *config.Settings) bool { return browsersSpeakTLS(s) && !s.BehindProxy }

func hostOf(s *config.Settings) string {
	u, err := url.Parse(s.PublicOrigin)
	if err != nil {
		return ""
	}
	return u.Hostname()
}

// absolute makes the settings good from whatever folder the program is started
// in. It leaves alone what no path can be.
func absolute(path string) string {
	if path == "" {
		return ""
	}
	if whole, err := filepath.Abs(path); err == nil {
		return whole
	}
	return path
}

// problemText is a problem as an answer to a question: without the names of the
// setting, which nobody has typed.
func problemText(p config.Problem) string {
	return fmt.Sprintf("%s; %s", p.Problem.Problem, p.Cure)
}
