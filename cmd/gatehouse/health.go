package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"time"

	"github.com/gatehouse-auth/gatehouse/internal/config"
)

type healthCmd struct {
	settingsFlag
	OpsListen string        `help:"Ask this listener, in place of the one that the settings name." placeholder:"HOST:PORT"`
	Timeout   time.Duration `help:"How long the answer may take (default ${default})." default:"3s" placeholder:"TIME"`
}

// Run asks /readyz of the server on this machine, for images without a shell
// and for scripts: exit code 0 when it may be sent requests, else 1.
func (c *healthCmd) Run(p *program) error {
	address := c.OpsListen
	if address == "" {
		// Warnings are left to whoever starts the server: this is asked every few seconds.
		s, err := config.Load(c.Config, p.environ)
		if err != nil {
			return err
		}
		address = s.OpsListen
	}
	address, err := reachable(address)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(p.ctx, c.Timeout)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+"/readyz", nil)
	if err != nil {
		return err
	}
	// No proxy of the environment: the question is for this machine.
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	answer, err := client.Do(r)
	if err != nil {
		var asked *url.Error // which would repeat the address
		if errors.As(err, &asked) {
			err = asked.Err
		}
		return fmt.Errorf("no server answers on %s: %w", address, err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(io.LimitReader(answer.Body, 4<<10))
	if err != nil {
		return fmt.Errorf("the answer of %s broke off: %w", address, err)
	}
	var said struct{ Status, Reason string }
	if err := json.Unmarshal(body, &said); err != nil || said.Status == "" {
		return fmt.Errorf("%s answers, but it is not the ops listener of Gatehouse (status %d)", address, answer.StatusCode)
	}
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", said.Status, said.Reason)
	}
	_, err = fmt.Fprintln(p.stdout, said.Status)
	return err
}

// reachable is where to ask a listener of this machine: one that listens on
// every address is asked on loopback.
func reachable(listener string) (string, error) {
	host, port, err := net.SplitHostPort(listener)
	if err != nil || port == "" || port == "0" {
		return "", usage("%q is not host and port, as 127.0.0.1:8788", listener)
	}
	a, err := netip.ParseAddr(host)
	switch {
	case host == "" || err == nil && a.IsUnspecified() && a.Is4():
		host = "127.0.0.1"
	case err == nil && a.IsUnspecified():
		host = "::1"
	}
	return net.JoinHostPort(host, port), nil
}
