package token_test

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/roomtest"
	"github.com/gatehouse-auth/gatehouse/internal/token"
)

var ctx = context.Background()

// site is a token room on a fresh database, with a user.
type site struct {
	*roomtest.Rooms
	t      *testing.T
	tokens *token.Issuer
	ann    auth.User
}

func newSite(t *testing.T, change ...func(o *token.Options)) *site {
	t.Helper()
	s := &site{Rooms: roomtest.New(t), t: t}
	o := s.TokenOptions(t)
	for _, c := range change {
		c(&o)
	}
	s.tokens = s.Tokens(t, o)
	s.ann = s.NewUser(t, "ann", "user")
	return s
}

// grant begins a session for Ann, with tokens.
func (s *site) grant(d token.Demand) token.Grant {
	s.t.Helper()
	return s.GrantTo(s.t, s.tokens, s.ann, d)
}

func (s *site) refresh(text auth.Secret) (token.Grant, error) {
	return s.tokens.Refresh(ctx, text, token.Client{}, auth.Device{})
}

// must is refresh that succeeds.
func (s *site) must(doing string, text auth.Secret) token.Grant {
	s.t.Helper()
	g, err := s.refresh(text)
	if err != nil {
		s.t.Fatalf("%s: %v", doing, err)
	}
	return g
}

func wantCode(t *testing.T, doing string, err error, want auth.Code) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("%s: %v, want %s", doing, err, want)
	}
}

// claims are those of a token, without looking at its signature.
func claims(t *testing.T, text string) map[string]any {
	t.Helper()
	parts := strings.Split(text, ".")
	if len(parts) != 3 {
		t.Fatalf("%q is not a JWT", text)
	}
	var c map[string]any
	if err := json.Unmarshal(decode(t, parts[1]), &c); err != nil {
		t.Fatal(err)
	}
	return c
}

// good says whether the access token is good at Gatehouse.
func (s *site) good(text string) bool {
	s.t.Helper()
	_, err := s.tokens.Check(ctx, text)
	if err != nil && !errors.Is(err, auth.CodeInvalidToken) {
		s.t.Fatalf("check: %v", err)
	}
	return err == nil
}

// family reads the row behind a refresh token.
func (s *site) family(text auth.Secret) auth.Family {
	s.t.Helper()
	id, _, _ := strings.Cut(text.Reveal(), ".")
	f, err := s.DB.Family(ctx, auth.FamilyID(id))
	if err != nil {
		s.t.Fatalf("read family: %v", err)
	}
	return f
}

func (s *site) recorded(want auth.EventType) bool {
	s.t.Helper()
	return slices.Contains(s.Events(s.t, s.ann.ID), want)
}

// own is a demand for tokens that Gatehouse itself takes.
var own = token.Demand{Audience: roomtest.OwnAPI}

// afterGrace moves the clock so that a refresh rotates.
func (s *site) afterGrace() { s.Advance(11 * time.Second) }

// spoiled is the token with another secret, of the same form.
func spoiled(text auth.Secret) auth.Secret {
	last := "A"
	if text[len(text)-1] == 'A' {
		last = "E"
	}
	return text[:len(text)-1] + auth.Secret(last)
}
