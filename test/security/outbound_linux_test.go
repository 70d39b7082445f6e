package security_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A whole run, from registration to the deletion of the account: the server
// holds no connection but those that were made to it. The control names a
// collector of spans, and there the connection is seen.
//
// Nor does it write anything but its database and what it says on standard error.
//
// proves: ASVS 14.2.3, ASVS 13.1.1, ASVS 16.2.3
func TestServer_contactsNobody(t *testing.T) {
	collector := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {}))
	defer collector.Close()
	_, port, _ := net.SplitHostPort(strings.TrimPrefix(collector.URL, "http://"))
	for _, c := range []struct{ settings, want string }{{"", ""}, {"tracing:\n  endpoint: " + collector.URL + "/v1/traces\n  sample_one_in: 1\n", port}} {
		p := serve(t, c.settings)
		out := map[string]bool{}
		files := map[string]bool{}
		p.journey(t, func() {
			for _, file := range p.written(t) {
				files[file] = true
			}
			for _, to := range p.connections(t) {
				out[to] = true
			}
		})
		if c.want != "" { // spans are sent in batches
			for deadline := time.Now().Add(20 * time.Second); len(out) == 0 && time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
				for _, to := range p.connections(t) {
					out[to] = true
				}
			}
			if !out[c.want] || len(out) != 1 {
				t.Errorf("the connection to the collector (port %s) is not seen: %v", c.want, out)
			}
		} else if len(out) > 0 {
			t.Errorf("the server connected to ports %v", out)
		}
		p.stop(t)
		if left, err := os.ReadDir(p.folder); err != nil {
			t.Error(err)
		} else {
			for _, entry := range left {
				files[filepath.Join(p.folder, entry.Name())] = true
			}
		}
		database := filepath.Join(p.folder, "gatehouse.db")
		for file := range files {
			if !slices.Contains([]string{filepath.Join(p.folder, "gatehouse.yaml"), database, database + "-wal", database + "-shm", database + ".lock"}, file) {
				t.Errorf("the server has written %s", file)
			}
		}
		if !files[database] || !strings.Contains(p.log.String(), "/api/auth/login") {
			t.Errorf("the control: %v\n%s", files, p.log.String())
		}
	}
}

// written are the regular files that the process has open for writing.
func (p *process) written(t *testing.T) (list []string) {
	t.Helper()
	of := "/proc/" + strconv.Itoa(p.Process.Pid)
	open, err := os.ReadDir(of + "/fd")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range open {
		target, err := os.Readlink(of + "/fd/" + f.Name())
		facts, err2 := os.ReadFile(of + "/fdinfo/" + f.Name())
		if err != nil || err2 != nil || !strings.HasPrefix(target, "/") || strings.HasPrefix(target, "/dev/") || strings.HasPrefix(target, "/proc/") {
			continue // gone meanwhile, or no file
		}
		if m := regexp.MustCompile(`(?m)^flags:\s+0*([0-7]+)$`).FindSubmatch(facts); m != nil {
			if flags, _ := strconv.ParseInt(string(m[1]), 8, 64); flags&(syscall.O_WRONLY|syscall.O_RDWR) != 0 {
				list = append(list, strings.TrimSuffix(target, " (deleted)"))
			}
		}
	}
	return list
}

// process is a running gatehouse serve.
type process struct {
	*exec.Cmd
	origin string
	ports  map[string]bool // that it listens on
	folder string          // where its files are, and HOME
	log    *bytes.Buffer   // standard error, whole once it has ended
}

func serve(t *testing.T, settings string) *process {
	t.Helper()
	folder := t.TempDir()
	public, ops := freePort(t), freePort(t)
	p := &process{folder: folder, log: new(bytes.Buffer), origin: "http://127.0.0.1:" + public, ports: map[string]bool{public: true, ops: true}}
	config := "public_origin: " + p.origin + "\nsecrets: [q8Zr3LwXcV5nTb0YkJ7mHd2GfSe9PuAs]\nmounts:\n  - secrets: [b4Nf7QxKz1WvRc6TjMy0Lh8GdSp3EuAo]\n" +
		"database:\n  path: " + filepath.Join(folder, "gatehouse.db") + "\nregistration:\n  mode: open\nlisten: 127.0.0.1:" + public + "\nops_listen: 127.0.0.1:" + ops + "\n" + settings
	file := filepath.Join(folder, "gatehouse.yaml")
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	p.Cmd = exec.Command(program(t), "serve", "--config", file)
	p.Env = []string{"HOME=" + folder}
	p.Stderr = p.log
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Process.Kill() })
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		if r, err := http.Get("http://127.0.0.1:" + ops + "/readyz"); err == nil {
			_ = r.Body.Close()
			if r.StatusCode == http.StatusOK {
				return p
			}
		}
		if time.Now().After(deadline) {
			t.Fatalf("the server is not ready:\n%s", p.log.String())
		}
	}
}

func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	return port
}

func (p *process) stop(t *testing.T) {
	t.Helper()
	_ = p.Process.Signal(syscall.SIGTERM)
	if err := p.Wait(); err != nil {
		t.Errorf("the server ended with %v", err)
	}
}

// journey does everything that somebody can do, and calls look after each step.
func (p *process) journey(t *testing.T, look func()) {
	t.Helper()
	jar, _ := cookiejar.New(nil)
	client := &http.Client{Jar: jar, Timeout: 30 * time.Second}
	send := func(path string, fields map[string]string) {
		t.Helper()
		body, _ := json.Marshal(fields)
		r, err := client.Post(p.origin+"/api/auth"+path, "application/json", bytes.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		defer r.Body.Close()
		text, _ := io.ReadAll(r.Body)
		if r.StatusCode > 299 {
			t.Fatalf("%s: %d %s", path, r.StatusCode, text)
		}
		look()
	}
	for _, path := range []string{"/providers", "/csrf", "/signin", "/signup"} {
		r, err := client.Get(p.origin + "/api/auth" + path)
		if err != nil {
			t.Fatal(err)
		}
		_ = r.Body.Close()
		look()
	}
	send("/register", map[string]string{"email": "ann@app.example", "name": "Ann", "password": password})
	send("/login", map[string]string{"email": "ann@app.example", "password": password})
	token := csrfOf(t, client, p.origin)
	send("/session", map[string]string{"csrfToken": token})
	update, _ := json.Marshal(map[string]any{"csrfToken": token, "data": map[string]string{"image": "http://127.0.0.1:9/picture.png", "name": "http://evil.example/"}})
	r, err := client.Post(p.origin+"/api/auth/session", "application/json", bytes.NewReader(update))
	if err != nil {
		t.Fatal(err)
	}
	text, _ := io.ReadAll(r.Body)
	_ = r.Body.Close()
	if !strings.Contains(string(text), "evil.example") && r.StatusCode != 200 {
		t.Fatalf("update: %d %s", r.StatusCode, text)
	}
	look()
	send("/change-password", map[string]string{"currentPassword": password, "newPassword": "eleven tall poplars in a row"})
	send("/logout", map[string]string{})
	send("/login", map[string]string{"email": "ann@app.example", "password": "eleven tall poplars in a row"})
	send("/delete-account", map[string]string{"password": "eleven tall poplars in a row"})
}

func csrfOf(t *testing.T, client *http.Client, origin string) string {
	t.Helper()
	r, err := client.Get(origin + "/api/auth/csrf")
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	var in struct {
		Token string `json:"csrfToken"`
	}
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
		t.Fatal(err)
	}
	return in.Token
}

// connections are the remote ports of the process's sockets that it did not
// accept from its own listeners; a datagram socket counts as "udp".
func (p *process) connections(t *testing.T) (to []string) {
	t.Helper()
	folder := "/proc/" + strconv.Itoa(p.Process.Pid)
	mine := map[string]bool{}
	files, err := os.ReadDir(folder + "/fd")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if target, err := os.Readlink(folder + "/fd/" + f.Name()); err == nil {
			if m := regexp.MustCompile(`^socket:\[(\d+)\]$`).FindStringSubmatch(target); m != nil {
				mine[m[1]] = true
			}
		}
	}
	for _, kind := range []string{"tcp", "tcp6", "udp", "udp6"} {
		text, err := os.ReadFile(folder + "/net/" + kind)
		if err != nil {
			continue
		}
		for line := range strings.Lines(string(text)) {
			cells := strings.Fields(line)
			if len(cells) < 10 || !mine[cells[9]] {
				continue
			}
			if strings.HasPrefix(kind, "udp") {
				to = append(to, "udp")
				continue
			}
			if p.ports[portOf(cells[1])] { // one of its listeners, or what that accepted
				continue
			}
			to = append(to, portOf(cells[2]))
		}
	}
	return to
}

// portOf reads "0100007F:1F90".
func portOf(cell string) string {
	_, hex, _ := strings.Cut(cell, ":")
	n, _ := strconv.ParseUint(hex, 16, 16)
	return fmt.Sprint(n)
}
