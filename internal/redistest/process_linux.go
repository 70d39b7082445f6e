package redistest

import (
	"fmt"
	"io"
	"os/exec"
	"runtime"
	"syscall"
)

// usable says why no server can be started here.
var usable error

// process is one run of a server.
type process struct {
	pid   int
	ended chan struct{} // closed when it has ended
}

// begin starts a process that ends with this one.
func begin(cmd *exec.Cmd) (*process, error) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	p := &process{ended: make(chan struct{})}
	begun := make(chan error, 1)
	go func() {
		// Pdeathsig is sent when the thread ends that began the process.
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

func (p *process) alive() bool {
	select {
	case <-p.ended:
		return false
	default:
		return true
	}
}

func (p *process) kill() {
	_ = syscall.Kill(p.pid, syscall.SIGKILL)
	<-p.ended
}

func (p *process) freeze() { _ = syscall.Kill(p.pid, syscall.SIGSTOP) }
func (p *process) thaw()   { _ = syscall.Kill(p.pid, syscall.SIGCONT) }

// leash is a shell that outlives this process by an instant: when the pipe to
// it closes, however that came, it kills the server it was last told of and
// takes the folder away.
type leash struct{ pipe io.WriteCloser }

// watchdog reads the ID of the process, or 0 when there is none.
const watchdog = `pid=0
while read -r line; do pid=$line; done
if [ "$pid" != 0 ]; then kill -KILL "$pid"; sleep 1; fi
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
