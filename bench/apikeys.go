package main

import (
	"fmt"
	"log/slog"

	"github.com/gatehouse-auth/gatehouse"
	"github.com/gatehouse-auth/gatehouse/internal/apikey"
)

// keysInUse is how many API keys are shown in turns. Each has the limit of the
// settings, which all of them together do not reach.
const keysInUse = 512

// apiKeys are goal 7: the bare handler behind Require, asked with API keys that
// were seen before.
func (r *run) apiKeys(s *site, program *child) error {
	all, err := r.withKeys(s)
	if err != nil {
		return err
	}
	if err := r.prove(program.address, all[0]); err != nil {
		return err
	}
	base, err := r.bareHandler(clients)
	if err != nil {
		return err
	}
	c, err := r.compare("in-process check of an API key", clients, r.pairs, base, asking(program, clients, all), r.time)
	if err != nil {
		return err
	}
	r.atLeast(7, "API key seen before: requests a second, of the bare handler's", ratio, 0.95, c.Ratio).of(c)
	r.atMost(7, "API key seen before: CPU for one, of the bare handler's", ratio, 1.08, c.CPURatio).of(c)
	return nil
}

// withKeys makes API keys, beside the running program, and asks for members with
// each.
func (r *run) withKeys(s *site) ([]request, error) {
	g, err := gatehouse.New(r.ctx, gatehouse.Config{
		PublicOrigin: origin, Secrets: []gatehouse.Secret{ownSecret}, Mounts: []gatehouse.Mount{{Dialect: string(s.dialect), Secrets: []gatehouse.Secret{appSecret}}},
		Database: gatehouse.Database{Path: s.database}, Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		return nil, err
	}
	defer g.Close()
	all := make([]request, keysInUse)
	for i := range all {
		made, err := g.APIKeys().Create(r.ctx, apikey.By{Operator: "cli"}, apikey.Draft{Name: fmt.Sprintf("key %d", i), Roles: []string{"member"}})
		if err != nil {
			return nil, fmt.Errorf("make an API key: %w", err)
		}
		at := func(key string) []byte { return s.http("GET", "/members", i, "", "X-Api-Key: "+key+"\r\n", "") }
		text := made.Text.Reveal()
		all[i] = request{bytes: at(text), control: at(text + "A"), has: []byte("ada@bench.example"), cookie: []byte("bare="), status: 401}
	}
	return all, nil
}
