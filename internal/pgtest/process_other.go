//go:build !linux

package pgtest

import "errors"

type install struct{}

func installed() (install, error) {
	if _, err := binaries(); err != nil {
		return install{}, err
	}
	return install{}, errElsewhere
}

var errElsewhere = errors.New("tests start servers on Linux alone")

func (install) folder(string) (string, error)   { return "", errElsewhere }
func (install) put(string, []byte) error        { return errElsewhere }
func (install) fill(string) error               { return errElsewhere }
func (install) run(string, ...string) error     { return errElsewhere }
func (install) serve(*Server) (*process, error) { return nil, errElsewhere }
func (install) pool(string) (*process, error)   { return nil, errElsewhere }

func keep(string) (*leash, error) { return nil, errElsewhere }

type leash struct{}

func (*leash) holds(int) {}
func (*leash) letGo()    {}

type process struct{ ended chan struct{} }

func (*process) stop(string) error { return errElsewhere }
func (*process) kill()             {}
func (*process) freeze()           {}
func (*process) thaw()             {}
