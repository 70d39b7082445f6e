package pgtest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// Authority is a certificate authority of one test.
type Authority struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
	// File is its certificate in PEM, as sslrootcert names it.
	File string
}

// NewAuthority makes an authority that nobody trusts who does not name its File.
func NewAuthority(t testing.TB) *Authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "authority of a test"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour), KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	a := &Authority{key: key, File: filepath.Join(t.TempDir(), "authority.pem")}
	if a.certificate, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(a.File, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o644); err != nil {
		t.Fatal(err)
	}
	return a
}

// issue makes a certificate for names and addresses, and its key, in PEM.
func (a *Authority) issue(t testing.TB, names []string) (certificate, key []byte) {
	t.Helper()
	own, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "a database server"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
	}
	for _, name := range names {
		if ip := net.ParseIP(name); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, name)
		}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.certificate, own.Public(), a.key)
	if err != nil {
		t.Fatal(err)
	}
	ownDER, err := x509.MarshalPKCS8PrivateKey(own)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: ownDER})
}

// tlsAccess lets every role but [Superuser], which the tests' own hands use, in
// by TLS alone.
const tlsAccess = `
local all all trust
hostssl all all 127.0.0.1/32 trust
host all ` + Superuser + ` 127.0.0.1/32 trust
host replication all 127.0.0.1/32 trust
`

// UseTLS gives a running server a certificate for the names and addresses, and
// from then on it takes no connection without TLS but those of [Superuser]. A
// second call changes the certificate.
func (s *Server) UseTLS(t testing.TB, a *Authority, names ...string) {
	t.Helper()
	certificate, key := a.issue(t, names)
	for name, content := range map[string][]byte{"server.crt": certificate, "server.key": key, "pg_hba.conf": []byte(tlsAccess)} {
		if err := s.install.put(filepath.Join(s.data(), name), content); err != nil {
			t.Fatal(err)
		}
	}
	s.Exec(t, "postgres", "ALTER SYSTEM SET ssl = on", "SELECT pg_reload_conf()")
	await(t, "the server to speak TLS", func() bool {
		on, err := s.ask("postgres", "SHOW ssl")
		return err == nil && on == "on"
	})
}
