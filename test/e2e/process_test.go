//go:build unix

package e2e_test

import (
	"bytes"
	"errors"
	"fmt"
	"os/exec"
	"sync"
	"syscall"
	"time"
)

// output gathers what a program says; it is shown only when a test fails.
type output struct {
	mu  sync.Mutex
	all bytes.Buffer
}

func (o *output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.all.Write(b)
}

func (o *output) len() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.all.Len()
}

func (o *output) since(from int) string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return string(o.all.Bytes()[from:])
}

// process is a program under way, the head of a process group of its own, so
// that nothing it starts outlives the tests.
type process struct {
	cmd  *exec.Cmd
	out  *output
	done chan struct{}
	err  error // of the end; read it after done
}

func start(cmd *exec.Cmd) (*process, error) {
	p := &process{cmd: cmd, out: &output{}, done: make(chan struct{})}
	cmd.Stdout, cmd.Stderr = p.out, p.out
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	dieWithUs(cmd.SysProcAttr)
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		p.err = cmd.Wait()
		close(p.done)
	}()
	return p, nil
}

// await waits until the address answers 200.
func (p *process) await(address string) error {
	deadline := time.After(patience)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		answer, err := plain.Get(address)
		if err == nil {
			answer.Body.Close()
			if answer.StatusCode == 200 {
				return nil
			}
			err = errors.New(answer.Status)
		}
		select {
		case <-p.done:
			return fmt.Errorf("%s ended (%w) and said:\n%s", p.cmd.Path, p.err, p.out.since(0))
		case <-deadline:
			return fmt.Errorf("%s does not answer: %w; it said:\n%s", address, err, p.out.since(0))
		case <-tick.C:
		}
	}
}

// end asks the program to end, as an operator does, and waits for it.
func (p *process) end() error {
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	select {
	case <-p.done:
		return p.err
	case <-time.After(patience):
		p.kill()
		return errors.New("the program did not end when it was told to")
	}
}

// kill ends the whole group. One that has ended is left alone: its number may be
// somebody else's by now.
func (p *process) kill() {
	select {
	case <-p.done:
		return
	default:
	}
	_ = syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL)
	<-p.done
}
