//go:build unix

package e2e_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// managed is a gatehouse with the settings as they come, and a key that may do
// everything. Its management API is where the operator listens.
func managed(t *testing.T) (g *gatehouse, api, key string) {
	t.Helper()
	port := freePort()
	g = serveNobody(t, port, fmt.Sprintf("http://localhost:%d", port), "", fmt.Sprintf("  - secrets: [%q]\n", sharedSecret), "")
	key, _, _ = strings.Cut(g.cli("", "api-key", "create", "a test", "--role", "gatehouse.admin"), "\n")
	return g, g.ops + "/api/v1", key
}

// openAPI is the document that the server serves.
func openAPI(t *testing.T, api string) (text []byte) {
	t.Helper()
	r, err := plain.Get(api + "/openapi.json")
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	if text, err = io.ReadAll(r.Body); err != nil || r.StatusCode != http.StatusOK {
		t.Fatalf("openapi.json: %s, %v", r.Status, err)
	}
	return text
}

// The client that openapi-typescript and openapi-fetch make of the document is
// type-checked and drives the API on Node: test/interop/management/client.ts
// says what it asks and what must come of it.
func TestManagement_aGeneratedClientInTypeScriptDrivesTheAPI(t *testing.T) {
	need(t, "node", "npm")
	if err := all.packages(); err != nil {
		t.Fatal(err)
	}
	g, api, key := managed(t)
	folder := filepath.Join(root(), ".build", "e2e-management") // below node_modules; a lock keeps others out
	if err := os.RemoveAll(folder); err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(folder, os.DirFS(filepath.Join(root(), "test", "interop", "management"))); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(folder, "openapi.json"), string(openAPI(t, api)))
	node := func(env []string, program ...string) string {
		t.Helper()
		ctx, stop := context.WithTimeout(t.Context(), 6*patience) // compilers are slow where everything runs at once
		defer stop()
		cmd := exec.CommandContext(ctx, "node", program...)
		cmd.Dir, cmd.Env = folder, environ(env...)
		var said bytes.Buffer
		cmd.Stderr = &said
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("%s: %v\n%s%s", program[0], err, out, said.String())
		}
		return string(out)
	}
	modules := filepath.Join(root(), "node_modules")
	node(nil, filepath.Join(modules, "openapi-typescript", "bin", "cli.js"), "openapi.json", "--output", "management.d.ts")
	node(nil, filepath.Join(modules, "typescript", "bin", "tsc"), "--project", ".", "--outDir", "out")
	var made struct{ User, Key, Name string }
	out := node([]string{"GATEHOUSE_MANAGEMENT=" + api, "GATEHOUSE_API_KEY=" + key}, filepath.Join("out", "client.js"))
	if err := json.Unmarshal([]byte(out), &made); err != nil || made.User == "" || made.Key == "" {
		t.Fatalf("the client says %q, %v", out, err)
	}

	// What it believes has come true in the database.
	var user struct{ Name, Email string }
	for line := range strings.Lines(g.cli("", "user", "list", "--json")) {
		if strings.Contains(line, made.User) {
			_ = json.Unmarshal([]byte(line), &user)
		}
	}
	if user.Name != made.Name || user.Email != "ada@example.test" {
		t.Errorf("the user is %+v, and the client says %+v", user, made)
	}
	for line := range strings.Lines(g.cli("", "api-key", "list", "--json")) {
		if strings.Contains(line, made.Key) && !strings.Contains(line, "revoked") {
			t.Errorf("the key is not revoked: %s", line)
		}
	}
}

// The document keeps to OpenAPI 3.1 as its authors' schemas say it, and whoever
// judges it would notice if it did not.
func TestManagement_theDocumentIsOpenAPI(t *testing.T) {
	need(t, "node", "npm")
	if err := all.packages(); err != nil {
		t.Fatal(err)
	}
	_, api, _ := managed(t)
	text := openAPI(t, api)
	judge := interop(t, "validate.mjs")
	judged := func(change func(document object)) object {
		t.Helper()
		var document object
		if err := json.Unmarshal(text, &document); err != nil {
			t.Fatal(err)
		}
		change(document)
		return judge.ask(object{"document": document})
	}
	whole := judged(func(d object) {
		if n := len(d["paths"].(object)); n < 20 {
			t.Errorf("the document has %d addresses", n)
		}
		if info := d["info"].(object); info["version"] == "" {
			t.Error("the document names no version")
		}
	})
	if n, _ := whole["schemas"].(float64); whole["valid"] != true || whole["version"] != "3.1" || n < 100 {
		t.Errorf("openapi.json is judged %v", whole)
	}
	self := func(d object) object { return d["paths"].(object)["/self"].(object)["get"].(object) }
	for name, spoil := range map[string]func(d object){
		"no title":                    func(d object) { delete(d["info"].(object), "title") },
		"a version that nobody knows": func(d object) { d["openapi"] = "3.9.0" },
		"an address without a stroke": func(d object) { maps.Copy(d["paths"].(object), object{"self": object{}}) },
		"a parameter that is nowhere": func(d object) {
			self(d)["parameters"] = []any{object{"name": "x", "in": "nowhere", "schema": object{}}}
		},
		"an answer that does not say so": func(d object) { self(d)["responses"].(object)["200"] = object{} },
		"a reference to nothing": func(d object) {
			self(d)["parameters"] = []any{object{"name": "x", "in": "query", "schema": object{"$ref": "#/components/schemas/Nothing"}}}
		},
		"a type that is none": func(d object) {
			self(d)["parameters"] = []any{object{"name": "x", "in": "query", "schema": object{"type": "text"}}}
		},
	} {
		if got := judged(spoil); got["valid"] != false {
			t.Errorf("%s: judged %v", name, got)
		}
	}
}

// With the settings as they come the API answers the operator, and visitors get
// what any address gets that is nobody's.
//
// proves: CS-35, ASVS 8.4.2
func TestManagement_answersTheOperatorAlone(t *testing.T) {
	g, _, key := managed(t)
	ask := func(base, path string) (status int) {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, base+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("X-Api-Key", key)
		answer, err := plain.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		return answer.StatusCode
	}
	for _, path := range []string{"/api/v1/", "/api/v1/openapi.json", "/api/v1/self", "/api/v1/users"} {
		if status := ask(g.ops, path); status != http.StatusOK {
			t.Errorf("the operator's %s: %d", path, status)
		}
		if status := ask(g.base, path); status != http.StatusNotFound {
			t.Errorf("a visitor's %s: %d", path, status)
		}
	}
	for _, path := range []string{"/api/auth/session", "/api/auth/signin"} {
		if status := ask(g.ops, path); status != http.StatusNotFound {
			t.Errorf("the operator's %s: %d", path, status)
		}
	}
	if status := ask(g.base, "/api/auth/session"); status != http.StatusOK {
		t.Errorf("the control, a visitor's session: %d", status)
	}
}
