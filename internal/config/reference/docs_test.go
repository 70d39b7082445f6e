package reference_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-auth/gatehouse/internal/config"
)

// certificate makes a certificate that signs itself, in PEM.
func certificate(t *testing.T) (cert, key string) {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), DNSNames: []string{"app.example"}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, k.Public(), k)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(k)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})), string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER}))
}

// row is a line of a table in docs/configuration.md.
var row = regexp.MustCompile("(?m)^\\| `([a-z_\\[\\].]+)` \\| (.*?) \\| (.*?) \\| (.*) \\|$")

func TestDocs_tablesAreTheSettings(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root, "docs/configuration.md"))
	if err != nil {
		t.Fatal(err)
	}
	rows := map[string][]string{}
	for _, m := range row.FindAllStringSubmatch(string(text), -1) {
		rows[m[1]] = m[2:]
	}
	config.Walk(config.Tree(), func(s config.Setting) {
		if s.Settings != nil {
			return
		}
		cells, ok := rows[s.Path]
		delete(rows, s.Path)
		if !ok {
			t.Errorf("no table has a row for `%s`", s.Path)
			return
		}
		if !strings.Contains(cells[0], "`"+s.Env()+"`") {
			t.Errorf("%s: the variable is %s, the table says %s", s.Path, s.Env(), cells[0])
		}
		if s.Filed() && !strings.Contains(cells[0], "_FILE`") {
			t.Errorf("%s: the table does not say that it can be a file", s.Path)
		}
		checkDefault(t, s, cells[1])
		checkBounds(t, s, cells[2])
	})
	for path := range rows {
		t.Errorf("a table has a row for `%s`, which is no setting", path)
	}
}

// checkDefault wants the default in the cell, unless it depends on the machine
// or on other settings.
func checkDefault(t *testing.T, s config.Setting, cell string) {
	t.Helper()
	if cell == "" {
		t.Errorf("%s: the table says nothing of the default", s.Path)
	}
	one := schemaAt(readSchema(t), s.Path)
	for _, want := range anyList(one["default"]) {
		if text := fmt.Sprint(jsonAsYAML(want)); !strings.Contains(cell, text) {
			t.Errorf("%s: the default is %s, the table says %s", s.Path, text, cell)
		}
	}
}

var allowed = regexp.MustCompile(`Allowed: (?:at most )?(?:(\w+) to )?(\w+)\.`)

// checkBounds wants the bounds of the schema in the cell.
func checkBounds(t *testing.T, s config.Setting, cell string) {
	t.Helper()
	m := allowed.FindStringSubmatch(schemaAt(readSchema(t), s.Path)["description"].(string))
	if m == nil {
		return
	}
	for _, bound := range m[1:] {
		if bound != "" && !regexp.MustCompile(`\b`+bound+`\b`).MatchString(cell) {
			t.Errorf("%s: %s the table says %s", s.Path, m[0], cell)
		}
	}
}

func anyList(v any) []any {
	if v == nil {
		return nil
	}
	if list, ok := v.([]any); ok {
		return list
	}
	return []any{v}
}
