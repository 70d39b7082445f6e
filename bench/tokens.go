package main

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/gatehouse-auth/gatehouse"
	"github.com/gatehouse-auth/gatehouse/bench/load"
	"github.com/gatehouse-auth/gatehouse/internal/seal"
)

// signers are the algorithms of access tokens, with the share of the bare
// handler's rate that a mint must reach; no share is measured against RSA.
var signers = []struct {
	algorithm string
	share     float64
}{{"EdDSA", 0.43}, {"ES256", 0.40}, {"RS256", 0}}

// audienceOf is the one of the embedded program whose tokens are signed so.
func audienceOf(algorithm string) string {
	return "https://" + strings.ToLower(algorithm) + ".bench.example"
}

// audiences are the embedded program's. Of the first it takes tokens itself.
func audiences() (list []gatehouse.Audience) {
	for i, s := range signers {
		list = append(list, gatehouse.Audience{ID: audienceOf(s.algorithm), Algorithm: s.algorithm, Own: i == 0})
	}
	return list
}

// tokens are goals 8, 9 and 10: an access token minted from a session, and one
// that was seen before, checked by a program with Gatehouse built in.
func (r *run) tokens() error {
	s, err := r.site(string(seal.V4), seal.V4, people, entries)
	if err != nil {
		return err
	}
	s.stop() // one server on a database
	program, err := r.actor("tokens", "embedded", "-database", s.database, "-dialect", string(s.dialect))
	if err != nil {
		return err
	}
	defer program.kill()
	if err := r.await(program, s.session(0, sessionPath)); err != nil {
		return err
	}
	length := "1s"
	if r.quick {
		length = "100ms"
	}
	raw, err := r.gobench("./internal/jwt", "^BenchmarkRaw$/^Sign", "-benchtime", length)
	if err != nil {
		return err
	}
	for _, signer := range signers {
		if err := r.mint(s, program, signer.algorithm, signer.share, raw["BenchmarkRaw/Sign/"+signer.algorithm]["ns/op"]/1e3); err != nil {
			return err
		}
	}
	if err := r.seenAgain(s, program); err != nil {
		return err
	}
	if err := r.apiKeys(s, program); err != nil {
		return err
	}
	return r.limits(s, program)
}

// mint measures POST /token with a session's cookie; signature is the bare
// signing's in microseconds.
func (r *run) mint(s *site, program *child, algorithm string, share, signature float64) error {
	all := make([]request, len(s.cookies)) // all of them: each session has a limit of its own
	for i := range all {
		all[i] = s.minting(i, algorithm)
	}
	if err := r.prove(program.address, all[0]); err != nil {
		return err
	}
	base, err := r.bareHandler(clients)
	if err != nil {
		return err
	}
	name := "access token from a session, " + algorithm
	c, err := r.compare(name, clients, r.pairs, base, asking(program, clients, all), r.time)
	if err != nil {
		return err
	}
	beyond := float64((c.CPU - c.BaseCPU).Nanoseconds()) / 1e3 / signature
	if share == 0 {
		const cores = 2 // of the raw figure, which is of one
		r.atLeast(9, name+": a second, of the bare signatures of both cores", ratio, 0.95, c.Rate/(cores*1e6/signature)).of(c)
		return nil
	}
	r.atLeast(8, name+": requests a second, of the bare handler's", ratio, share, c.Ratio).of(c)
	r.atMost(8, fmt.Sprintf("%s: CPU beyond the bare handler's, of the bare signature (%.1f µs)", name, signature), times, 1.25, beyond).of(c)
	return nil
}

// minting asks with the i-th user's session for an access token alone.
func (s *site) minting(i int, algorithm string) request {
	q := s.session(i, sessionPath)
	body := fmt.Sprintf(`{"audience":%q,"refresh":false}`, audienceOf(algorithm))
	post := func(get []byte) []byte {
		text := strings.Replace(string(get), "GET "+sessionPath, "POST /api/auth/token", 1)
		head := fmt.Sprintf("Origin: %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n", origin, len(body))
		return []byte(strings.TrimSuffix(text, "\r\n") + head + body)
	}
	return request{bytes: post(q.bytes), control: post(q.control), has: []byte(`"access_token":"ey`), status: 401}
}

// seenAgain is the second half of goal 10: the bare handler behind Require, asked
// with tokens that were verified before.
func (r *run) seenAgain(s *site, program *child) error {
	all := make([]request, 1024)
	for i := range all {
		a, err := load.Once(r.ctx, program.address, s.minting(i, signers[0].algorithm).bytes)
		if err != nil {
			return err
		}
		var got struct {
			Token string `json:"access_token"`
		}
		if err := json.Unmarshal(a.Body, &got); err != nil || got.Token == "" {
			return fmt.Errorf("POST /token was answered with %d %.200s", a.Status, a.Body)
		}
		at := func(token string) []byte {
			return s.http("GET", "/members", i, "", "Authorization: Bearer "+token+"\r\n", "")
		}
		all[i] = request{bytes: at(got.Token), control: at(got.Token + "A"), has: []byte("ada@bench.example"), cookie: []byte("bare="), status: 401}
		if i == 0 {
			if err := r.prove(program.address, all[0]); err != nil {
				return err
			}
		}
	}
	base, err := r.bareHandler(clients)
	if err != nil {
		return err
	}
	c, err := r.compare("in-process check of an access token", clients, r.pairs, base, asking(program, clients, all), r.time)
	if err != nil {
		return err
	}
	r.atLeast(10, "access token seen before: requests a second, of the bare handler's", ratio, 0.93, c.Ratio).of(c)
	return nil
}
