//go:build !linux

package redistest

import (
	"errors"
	"os/exec"
)

// usable says why no server can be started here.
var usable = errors.New("tests start servers on Linux alone")

type process struct{ pid int }

func begin(*exec.Cmd) (*process, error) { return nil, usable }

func (*process) alive() bool { return false }
func (*process) kill()       {}
func (*process) freeze()     {}
func (*process) thaw()       {}

type leash struct{}

func keep(string) (*leash, error) { return nil, usable }

func (*leash) holds(int) {}
func (*leash) letGo()    {}
