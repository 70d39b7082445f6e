package pgtest

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// install is where the binaries are and as whom they run.
type install struct {
	bin string
	// as is set when this process is root, as which a server refuses to run.
	as *syscall.Credential
}

func installed() (in install, err error) {
	if in.bin, err = binaries(); err != nil || os.Getuid() != 0 {
		return in, err
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, _ := strconv.ParseUint(u.Uid, 10, 32)
		gid, _ := strconv.ParseUint(u.Gid, 10, 32)
		in.as = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
		return in, nil
	}
	return in, errors.New("this process is root, and there is no user postgres or nobody to run a server as")
}

// folder makes a folder that the server's user owns.
func (in install) folder(prefix string) (string, error) {
	dir, err := os.MkdirTemp("", prefix)
	if err == nil && in.as != nil {
		err = os.Chown(dir, int(in.as.Uid), int(in.as.Gid))
	}
	return dir, err
}

// put writes a file that the server's user owns and nobody else reads.
func (in install) put(path string, content []byte) error {
	if err := os.WriteFile(path, content, 0o600); err != nil || in.as == nil {
		return err
	}
	return os.Chown(path, int(in.as.Uid), int(in.as.Gid))
}

func (in install) command(program string, args ...string) *exec.Cmd {
	path := program
	if !strings.Contains(program, "/") {
		path = filepath.Join(in.bin, program)
	}
	cmd := exec.Command(path, args...)
	cmd.Dir = "/"
	cmd.Env = []string{"PATH=/usr/bin:/bin", "LC_ALL=C", "TZ=UTC"}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: in.as, Setpgid: true}
	return cmd
}

func (in install) run(program string, args ...string) error {
	if out, err := in.command(program, args...).CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w: %s", program, err, out)
	}
	return nil
}

// cluster is the one initdb of this test binary, which every server copies.
var cluster struct {
	once sync.Once
	dir  string
	err  error
}

// settings are a server's. fsync is off: tests kill processes, not the machine,
// and what a process has written the kernel keeps.
const settings = `
fsync = off
listen_addresses = '127.0.0.1'
max_connections = 200
shared_buffers = 32MB
max_wal_senders = 8
wal_level = replica
hot_standby = on
log_line_prefix = '%m [%p] %d '
timezone = 'UTC'
`

// access trusts the loopback, but for roles whose passwords are tested.
const access = `
local all all trust
host all +needs_password 127.0.0.1/32 scram-sha-256
host all all 127.0.0.1/32 trust
host replication all 127.0.0.1/32 trust
`

// fill makes data a fresh cluster.
func (in install) fill(data string) error {
	cluster.once.Do(func() {
		if cluster.dir, cluster.err = in.folder("gatehouse-pg-initdb-"); cluster.err != nil {
			return
		}
		if _, cluster.err = keep(cluster.dir); cluster.err != nil {
			return
		}
		made := filepath.Join(cluster.dir, "data")
		cluster.err = in.run("initdb", "-D", made, "-U", Superuser, "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync", "--no-instructions")
		if cluster.err == nil {
			cluster.err = appendTo(filepath.Join(made, "postgresql.conf"), settings)
		}
		if cluster.err == nil {
			cluster.err = os.WriteFile(filepath.Join(made, "pg_hba.conf"), []byte(access), 0o600)
		}
	})
	if cluster.err != nil {
		return cluster.err
	}
	return in.run("/bin/cp", "-a", filepath.Join(cluster.dir, "data"), data)
}

// process is one run of a server.
type process struct {
	pid   int
	ended chan struct{} // closed when the first process has ended
}

// serve starts the server's first process.
func (in install) serve(s *Server) (*process, error) {
	log, err := os.OpenFile(s.log(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	cmd := in.command("postgres", "-D", s.data(), "-p", strconv.Itoa(s.port), "-k", s.dir)
	cmd.Stderr, cmd.Stdout = log, log
	cmd.SysProcAttr.Pdeathsig = syscall.SIGQUIT // "immediate"
	p, err := begin(cmd)
	if err == nil {
		s.leash.holds(p.pid)
	}
	return p, err
}

// pool starts pgbouncer, which refuses to be root, too.
func (in install) pool(settings string) (*process, error) {
	path, err := exec.LookPath("pgbouncer")
	if err != nil {
		if path, err = exec.LookPath("/usr/sbin/pgbouncer"); err != nil { // Debian's, which is not in every path
			return nil, errNoPooler
		}
	}
	cmd := in.command(path, settings)
	cmd.SysProcAttr.Pdeathsig = syscall.SIGKILL
	return begin(cmd)
}

// begin starts a first process that ends with this one.
func begin(cmd *exec.Cmd) (*process, error) {
	p := &process{ended: make(chan struct{})}
	begun := make(chan error, 1)
	go func() {
		// Pdeathsig is sent when the thread ends that began the process. This one
		// lives on after it: it may have begun others, such as a browser.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		if err == nil {
			p.pid = cmd.Process.Pid
		}
		begun <- err
		if err == nil {
			_ = cmd.Wait()
		}
		close(p.ended)
	}()
	if err := <-begun; err != nil {
		return nil, err
	}
	return p, nil
}

// stop asks the first process to end and waits for it.
func (p *process) stop(mode string) error {
	signal, known := map[string]syscall.Signal{Smart: syscall.SIGTERM, Fast: syscall.SIGINT, Immediate: syscall.SIGQUIT}[mode]
	if !known {
		return fmt.Errorf("there is no mode %q", mode)
	}
	if err := syscall.Kill(p.pid, signal); err != nil && !errors.Is(err, syscall.ESRCH) {
		return err
	}
	select {
	case <-p.ended:
		return nil
	case <-time.After(patience):
		return fmt.Errorf("it has not ended after %v", patience)
	}
}

// kill ends the first process, so that it starts no more of them, then all the
// others, and returns when none is left: the next start would find their memory
// in use.
func (p *process) kill() {
	_ = syscall.Kill(p.pid, syscall.SIGSTOP)
	rest := p.others()
	_ = syscall.Kill(p.pid, syscall.SIGKILL)
	for _, pid := range rest {
		_ = syscall.Kill(pid, syscall.SIGKILL)
	}
	<-p.ended
	for deadline := time.Now().Add(patience); slices.ContainsFunc(rest, exists) && time.Now().Before(deadline); {
		time.Sleep(time.Millisecond)
	}
}

func (p *process) freeze() {
	_ = syscall.Kill(p.pid, syscall.SIGSTOP)
	for known := 0; ; {
		rest := p.others()
		for _, pid := range rest {
			_ = syscall.Kill(pid, syscall.SIGSTOP)
		}
		if len(rest) == known { // none came between the two looks
			return
		}
		known = len(rest)
	}
}

func (p *process) thaw() {
	for _, pid := range append(p.others(), p.pid) {
		_ = syscall.Kill(pid, syscall.SIGCONT)
	}
}

// others are the processes that the first one started.
func (p *process) others() (pids []int) {
	all, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, path := range all {
		if parent, pid, _ := parentage(path); parent == p.pid {
			pids = append(pids, pid)
		}
	}
	return pids
}

// parentage reads a line such as "12 (name of it) S 1 …".
func parentage(path string) (parent, pid int, state string) {
	b, _ := os.ReadFile(path)
	_, rest, ok := strings.Cut(string(b), ") ")
	fields := strings.Fields(rest)
	if !ok || len(fields) < 2 {
		return 0, 0, ""
	}
	parent, _ = strconv.Atoi(fields[1])
	pid, _ = strconv.Atoi(filepath.Base(filepath.Dir(path)))
	return parent, pid, fields[0]
}

// exists says whether a process still has memory; a zombie has none.
func exists(pid int) bool {
	_, _, state := parentage(fmt.Sprintf("/proc/%d/stat", pid))
	return state != "" && state != "Z"
}

// leash is a shell that outlives this process by an instant: when the pipe to
// it closes, however that came, it kills the server it was last told of and
// takes the folder away.
type leash struct{ pipe io.WriteCloser }

// watchdog reads the ID of the first process, or 0 when there is none. A first
// process that is stopped starts no more.
const watchdog = `pid=0
while read -r line; do pid=$line; done
if [ "$pid" != 0 ]; then
	kill -STOP "$pid" && rest=$(cat /proc/"$pid"/task/*/children)
	kill -KILL "$pid" $rest
	sleep 1
fi
rm -rf -- "$1"`

func keep(dir string) (*leash, error) {
	cmd := exec.Command("/bin/sh", "-c", watchdog, "sh", dir)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	pipe, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	go cmd.Wait()
	return &leash{pipe}, nil
}

func (l *leash) holds(pid int) { fmt.Fprintln(l.pipe, pid) }

// letGo takes the folder away at once.
func (l *leash) letGo() { l.pipe.Close() }
