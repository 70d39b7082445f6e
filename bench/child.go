package main

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"github.com/gatehouse-auth/gatehouse/bench/proc"
)

// cast are the processes of a run, so that their processor time can be told from
// that of strangers, and none of them outlives it.
type cast struct {
	mu     sync.Mutex
	alive  []*child
	before time.Duration // what those that have ended had used
}

// child is a process of ours.
type child struct {
	*exec.Cmd
	address string
	cast    *cast
	log     *os.File
	lines   *bufio.Reader // of its standard output
	ended   sync.Once
}

// child prepares a process; what it says on standard error goes to a file
// of that name in the folder of the run, as a service manager would keep it.
func (r *run) child(name string, command string, arguments ...string) (*child, error) {
	log, err := os.OpenFile(filepath.Join(r.folder, name+".log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	c := &child{Cmd: exec.Command(command, arguments...), cast: r.cast, log: log}
	c.Stderr = log
	c.Env = append(os.Environ(), "NEXT_TELEMETRY_DISABLED=1", "BETTER_AUTH_TELEMETRY=0", "NODE_ENV=production")
	c.SysProcAttr = new(syscall.SysProcAttr)
	dieWithUs(c.SysProcAttr)
	return c, nil
}

// begin starts the process. Its standard output is in lines, or goes nowhere.
func (c *child) begin(reads bool) error {
	if reads {
		out, err := c.StdoutPipe()
		if err != nil {
			return err
		}
		c.lines = bufio.NewReader(out)
	}
	defer c.log.Close() // the process has its own
	c.cast.mu.Lock()
	defer c.cast.mu.Unlock()
	if err := c.Start(); err != nil {
		return err
	}
	c.cast.alive = append(c.cast.alive, c)
	return nil
}

func (c *child) pid() int { return c.Process.Pid }

// kill ends the process and returns the processor time it has used.
func (c *child) kill() time.Duration {
	c.ended.Do(func() {
		_ = c.Process.Kill()
		_ = c.Wait()
		c.cast.mu.Lock()
		defer c.cast.mu.Unlock()
		for i, other := range c.cast.alive {
			if other == c {
				c.cast.alive = append(c.cast.alive[:i], c.cast.alive[i+1:]...)
				break
			}
		}
		c.cast.before += c.used()
	})
	return c.used()
}

func (c *child) used() time.Duration { return c.ProcessState.UserTime() + c.ProcessState.SystemTime() }

func (c *cast) end() {
	c.mu.Lock()
	all := append([]*child(nil), c.alive...)
	c.mu.Unlock()
	for _, one := range all {
		one.kill()
	}
}

// strangers is the processor time that everybody has used who is not of the
// cast, since some moment in the past: only differences mean something.
func (c *cast) strangers() (time.Duration, error) {
	all, err := proc.Machine()
	if err != nil {
		return 0, err
	}
	own, err := proc.CPU(os.Getpid())
	if err != nil {
		return 0, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	own += c.before
	for _, one := range c.alive {
		used, err := proc.CPU(one.pid())
		if err != nil {
			return 0, fmt.Errorf("%s has ended by itself: %w", filepath.Base(one.Path), err)
		}
		own += used
	}
	return all - own, nil
}

// freeAddress is one of this machine on which nobody listens.
func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	return l.Addr().String(), nil
}
