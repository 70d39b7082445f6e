package main

import (
	"net"
	"time"
)

// States of the service, as a service manager is told them (sd_notify(3)).
const (
	stateReady    = "READY=1"
	stateStopping = "STOPPING=1"
)

// notifier tells the service manager that started the program in which state
// it is: one datagram to the socket that NOTIFY_SOCKET names (systemd's
// Type=notify). Without the variable it does nothing, and a manager that does
// not listen stops nobody from serving.
func (p *program) notifier() func(state string) error {
	socket := p.env("NOTIFY_SOCKET")
	if socket == "" || socket[0] != '/' && socket[0] != '@' { // '@' is Linux's abstract name space
		return func(string) error { return nil }
	}
	return func(state string) error {
		c, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: socket, Net: "unixgram"})
		if err != nil {
			return err
		}
		defer c.Close()
		if err := c.SetWriteDeadline(time.Now().Add(time.Second)); err != nil {
			return err
		}
		_, err = c.Write([]byte(state))
		return err
	}
}

// tell notifies the service manager, if there is one.
func (s *server) tell(state string) {
	if s.notify == nil {
		return
	}
	if err := s.notify(state); err != nil {
		s.logger.Warn("the service manager cannot be told the state", "state", state, "err", err)
	}
}
