//go:build linux

package packaging_test

import (
	"context"
	"debug/buildinfo"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// patience is how long anything that must happen may take to happen.
const patience = 20 * time.Second

// image is the file tree of the last stage, and how it is run.
type image struct {
	folder     string
	uid, gid   uint32
	env        []string
	workdir    string
	entrypoint []string
	cmd        []string
	health     []string
}

// assemble builds the image without Docker: the RUN lines of the first stage
// are executed as they stand, over what .dockerignore lets in, and the COPY
// lines of the last stage fill an empty folder.
func assemble(t *testing.T) image {
	t.Helper()
	need(t, "go", "sh")
	stages := dockerfile(t)
	work := t.TempDir()
	src, out := filepath.Join(work, "src"), filepath.Join(work, "out")
	buildContext(t, src)
	for _, line := range stages[0].all("RUN") {
		runLine(t, line, src, out)
	}

	final := stages[1]
	img := image{folder: filepath.Join(work, "image"), workdir: final.last("WORKDIR")}
	uid, gid, _ := strings.Cut(final.last("USER"), ":")
	img.uid, img.gid = number(t, uid), number(t, gid)
	for name, value := range environment(t, final) {
		img.env = append(img.env, name+"="+value)
	}
	img.entrypoint = execForm(t, "ENTRYPOINT", final.last("ENTRYPOINT"))
	img.cmd = execForm(t, "CMD", final.last("CMD"))
	_, health, _ := strings.Cut(final.last("HEALTHCHECK"), "CMD ")
	img.health = execForm(t, "HEALTHCHECK", health)
	mkdir(t, img.folder)
	for _, line := range final.all("COPY") {
		img.copy(t, line, src, out)
	}
	return img
}

func number(t *testing.T, text string) uint32 {
	t.Helper()
	n, err := strconv.ParseUint(text, 10, 32)
	if err != nil {
		t.Fatal(err)
	}
	return uint32(n)
}

// runLine executes one RUN of the build stage. Caches are this machine's.
func runLine(t *testing.T, line, src, out string) {
	t.Helper()
	words := strings.Fields(line)
	for len(words) > 0 && strings.HasPrefix(words[0], "--mount=type=cache,") {
		words = words[1:]
	}
	script := strings.ReplaceAll(strings.Join(words, " "), "/out/", out+"/")
	c := exec.Command("sh", "-ec", script)
	c.Dir = src
	c.Env = append(os.Environ(), "TARGETOS=linux", "TARGETARCH="+runtime.GOARCH, "VERSION=v0.0.0-test", "REVISION=0123456789abcdef", "GOFLAGS=")
	if text, err := c.CombinedOutput(); err != nil {
		t.Fatalf("RUN %s: %v\n%s", line, err, text)
	}
}

// copy executes one COPY of the last stage.
func (img image) copy(t *testing.T, line, src, out string) {
	t.Helper()
	base, uid, gid := src, 0, 0
	words := strings.Fields(line)
	for ; strings.HasPrefix(words[0], "--"); words = words[1:] {
		switch {
		case words[0] == "--from=build":
			base = ""
		case strings.HasPrefix(words[0], "--chown="):
			uid, gid = int(img.uid), int(img.gid)
		default:
			t.Fatalf("COPY %s: this test cannot read %s", line, words[0])
		}
	}
	to := words[len(words)-1]
	for _, from := range words[:len(words)-1] {
		source := filepath.Join(base, from)
		if base == "" {
			source = strings.Replace(from, "/out/", out+"/", 1)
			if from == "/etc/ssl/certs/ca-certificates.crt" { // of the build image
				source = anyCertificates(t)
			}
		}
		target := filepath.Join(img.folder, to)
		if strings.HasSuffix(to, "/") && !strings.HasSuffix(from, "/") {
			target = filepath.Join(target, path.Base(from))
		}
		copyTree(t, source, target, uid, gid)
	}
}

// anyCertificates stands for the file of the build image.
func anyCertificates(t *testing.T) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "ca-certificates.crt")
	if err := os.WriteFile(name, []byte("# none here\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	return name
}

func mkdir(t *testing.T, name string) {
	t.Helper()
	if err := os.MkdirAll(name, 0o755); err != nil {
		t.Fatal(err)
	}
}

func copyTree(t *testing.T, from, to string, uid, gid int) {
	t.Helper()
	err := filepath.WalkDir(from, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(from, name)
		if err != nil {
			return err
		}
		target := filepath.Join(to, rel)
		if d.IsDir() {
			mkdir(t, target)
		} else {
			copyFile(t, name, target, info.Mode().Perm())
		}
		if name == from && d.IsDir() { // its content is copied, not itself
			return nil
		}
		if err := os.Chmod(target, info.Mode().Perm()); err != nil {
			return err
		}
		return os.Chown(target, uid, gid)
	})
	if err != nil {
		t.Fatal(err)
	}
}

// command is a program in the image, as its user, with nothing else of this
// machine's files in reach.
func (img image) command(ctx context.Context, env []string, args ...string) *exec.Cmd {
	c := exec.CommandContext(ctx, args[0], args[1:]...)
	c.Path = args[0]
	c.Err = nil // exec looks for the program outside, where it need not be
	c.Dir = img.workdir
	c.Env = append(append([]string{}, img.env...), env...)
	c.SysProcAttr = &syscall.SysProcAttr{Chroot: img.folder, Credential: &syscall.Credential{Uid: img.uid, Gid: img.gid}}
	return c
}

func freePort(t *testing.T) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	_, port, _ := net.SplitHostPort(ln.Addr().String())
	return port
}

// proves: ASVS 13.2.2
func TestImage_servesASignInWithNothingButItsOwnFiles(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("chroot needs root")
	}
	img := assemble(t)
	img.mustBeSmallAndItsOwn(t)
	port, opsPort := freePort(t), freePort(t)
	origin := "http://localhost:" + port
	// As docker run -v …:/run/secrets:ro and -e … would give it.
	env := []string{
		"GATEHOUSE_PUBLIC_ORIGIN=" + origin, "GATEHOUSE_SECRETS_FILE=/run/secrets/own", "GATEHOUSE_MOUNTS_0_SECRETS_FILE=/run/secrets/authjs",
		"GATEHOUSE_LISTEN=127.0.0.1:" + port, "GATEHOUSE_OPS_LISTEN=127.0.0.1:" + opsPort,
	}
	for _, name := range []string{"own", "authjs"} {
		secret, err := img.command(t.Context(), nil, append(img.entrypoint, "secret", "generate")...).Output()
		if err != nil {
			t.Fatalf("secret generate: %v", err)
		}
		img.put(t, "/run/secrets/"+name, secret)
	}
	check := func() ([]byte, error) { return img.command(t.Context(), env, img.health...).CombinedOutput() }
	if text, err := check(); err == nil {
		t.Errorf("HEALTHCHECK is content before anything runs: %s", text)
	}

	server := img.command(t.Context(), env, append(img.entrypoint, img.cmd...)...)
	var log strings.Builder
	server.Stderr = &log
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- server.Wait() }()
	for deadline := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		text, err := check()
		if err == nil {
			break
		}
		select {
		case err := <-ended:
			t.Fatalf("the server ended: %v\n%s", err, log.String())
		default:
		}
		if time.Now().After(deadline) {
			t.Fatalf("HEALTHCHECK is never content: %s", text)
		}
	}

	const password = "correct horse battery staple"
	create := img.command(t.Context(), env, append(img.entrypoint, "user", "create", "ada@example.test", "--password-stdin")...)
	create.Stdin = strings.NewReader(password)
	if text, err := create.CombinedOutput(); err != nil {
		t.Fatalf("user create: %v\n%s", err, text)
	}
	if got := signIn(t, origin, "ada@example.test", password); got != "ada@example.test" {
		t.Errorf("after the sign-in the session is %q's", got)
	}

	if err := server.Process.Signal(syscall.SIGTERM); err != nil { // docker stop
		t.Fatal(err)
	}
	if err := <-ended; err != nil {
		t.Errorf("the server ended with %v\n%s", err, log.String())
	}
	if text, err := check(); err == nil {
		t.Errorf("HEALTHCHECK is content when nothing runs any more: %s", text)
	}
}

// put adds a file that only the image's user can read.
func (img image) put(t *testing.T, name string, content []byte) {
	t.Helper()
	target := filepath.Join(img.folder, name)
	mkdir(t, filepath.Dir(target))
	if err := os.WriteFile(target, content, 0o400); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(target, int(img.uid), int(img.gid)); err != nil {
		t.Fatal(err)
	}
}

// mustBeSmallAndItsOwn looks at what is in the image: its user owns the
// database's folder and nothing else, one file is a program, and that one says
// what it was built from.
func (img image) mustBeSmallAndItsOwn(t *testing.T) {
	t.Helper()
	var programs, owned []string
	err := filepath.WalkDir(img.folder, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		inside := strings.TrimPrefix(name, img.folder)
		if info.Sys().(*syscall.Stat_t).Uid == img.uid {
			owned = append(owned, fmt.Sprintf("%s %v", inside, info.Mode()))
		}
		if !d.IsDir() && info.Mode()&0o111 != 0 {
			programs = append(programs, inside)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if want := "/data drwx------"; strings.Join(owned, ", ") != want {
		t.Errorf("the image's user owns %q, want %q", owned, want)
	}
	if strings.Join(programs, " ") != img.entrypoint[0] {
		t.Errorf("the image has the programs %q", programs)
	}
	info, err := buildinfo.ReadFile(filepath.Join(img.folder, img.entrypoint[0]))
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range info.Settings {
		if s.Key == "CGO_ENABLED" && s.Value != "0" {
			t.Error("the program is not static")
		}
	}
	text, err := img.command(t.Context(), nil, append(img.entrypoint, "version", "--json")...).Output()
	var version struct{ Version, Commit string }
	if err != nil || json.Unmarshal(text, &version) != nil || version.Version != "v0.0.0-test" || version.Commit != "0123456789abcdef" {
		t.Errorf("gatehouse version: %s %v", text, err)
	}
	terms, err := os.ReadFile(filepath.Join(img.folder, "usr/share/doc/gatehouse/THIRD-PARTY-LICENSES.txt"))
	if err != nil || !strings.Contains(string(terms), "modernc.org/sqlite") || !strings.Contains(string(terms), "Redistribution and use") {
		t.Errorf("the licences of what is linked are not in the image: %d bytes, %v", len(terms), err)
	}
}

// signIn signs in through the protocol, as a browser without scripts does, and
// returns whose session it then has.
func signIn(t *testing.T, origin, identifier, password string) string {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	browser := &http.Client{Jar: jar, Timeout: patience, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	ask := func(r *http.Response, err error) map[string]any {
		if err != nil {
			t.Fatal(err)
		}
		defer r.Body.Close()
		text, err := io.ReadAll(r.Body)
		if err != nil {
			t.Fatal(err)
		}
		var body map[string]any
		_ = json.Unmarshal(text, &body) // a redirect has none
		return body
	}
	csrf, _ := ask(browser.Get(origin + "/api/auth/csrf"))["csrfToken"].(string)
	ask(browser.PostForm(origin+"/api/auth/callback/credentials", url.Values{"csrfToken": {csrf}, "identifier": {identifier}, "password": {password}}))
	user, _ := ask(browser.Get(origin + "/api/auth/session"))["user"].(map[string]any)
	email, _ := user["email"].(string)
	return email
}
