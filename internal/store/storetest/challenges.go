package storetest

import (
	"context"
	"testing"
	"time"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/store"
)

// Challenges tests store.Challenges.
func Challenges(t *testing.T, open func(t *testing.T) store.Store) {
	each(t, open, []test{
		{"a challenge comes back as it went in", challengeRoundTrip},
		{"empty members come back empty", challengeEmpty},
		{"an ID is taken once, and the user must exist", challengeRefused},
		{"tries run out and are then as absent as no challenge", challengeTries},
		{"of fifty tries exactly those left succeed", challengeTriesAtOnce},
		{"looking counts no try and finds what can be tried", challengeLook},
		{"another kind, secret or ID is not found", challengeWrong},
		{"the end is exact to the microsecond", challengeExpiry},
		{"of fifty concurrent consumers exactly one wins", challengeConsumeAtOnce},
		{"purging takes what ended before, up to the limit", challengePurge},
	})
}

func challengeRoundTrip(t *testing.T, s store.Store) {
	ctx, want := context.Background(), challengeOf(newUser(t, s, "ann"))
	want.Data = []byte{0, 1, 0xff, '\'', 0}
	ok(t, "create", s.CreateChallenge(ctx, want))
	same(t, "challenge", must[auth.Challenge](t)(s.ConsumeChallenge(ctx, want.ID, want.Kind, want.SecretHash, start)), want)
}

func challengeEmpty(t *testing.T, s store.Store) {
	ctx := context.Background()
	for _, data := range [][]byte{nil, {}} {
		want := auth.Challenge{ID: auth.NewChallengeID(start), Kind: "k", CreatedAt: start, ExpiresAt: justAfter(start), Data: data}
		ok(t, "create", s.CreateChallenge(ctx, want))
		same(t, "challenge", must[auth.Challenge](t)(s.ConsumeChallenge(ctx, want.ID, "k", "", start)), want)
	}
}

func challengeRefused(t *testing.T, s store.Store) {
	ctx, c := context.Background(), challengeOf(newUser(t, s, "ann"))
	ok(t, "create", s.CreateChallenge(ctx, c))
	refused(t, "same ID", s.CreateChallenge(ctx, c), store.ErrConflict)
	nobodys := challengeOf(auth.User{ID: auth.NewUserID(start)})
	refused(t, "nobody's", s.CreateChallenge(ctx, nobodys), store.ErrNotFound)
}

func challengeLook(t *testing.T, s store.Store) {
	ctx, c := context.Background(), challengeOf(newUser(t, s, "ann"))
	ok(t, "create", s.CreateChallenge(ctx, c))
	for range 5 {
		same(t, "challenge", must[auth.Challenge](t)(s.Challenge(ctx, c.ID, c.Kind, justBefore(c.ExpiresAt))), c)
	}
	_, err := s.Challenge(ctx, c.ID, c.Kind, c.ExpiresAt)
	refused(t, "at its end", err, store.ErrNotFound)
	_, err = s.Challenge(ctx, c.ID, "other", start)
	refused(t, "another kind", err, store.ErrNotFound)
	_, err = s.Challenge(ctx, auth.NewChallengeID(start), c.Kind, start)
	refused(t, "another ID", err, store.ErrNotFound)
	for range c.TriesLeft {
		must[auth.Challenge](t)(s.TryChallenge(ctx, c.ID, c.Kind, start))
	}
	_, err = s.Challenge(ctx, c.ID, c.Kind, start)
	refused(t, "without a try left", err, store.ErrNotFound)
}

func challengeTries(t *testing.T, s store.Store) {
	ctx, want := context.Background(), challengeOf(newUser(t, s, "ann"))
	ok(t, "create", s.CreateChallenge(ctx, want))
	for left := 2; left >= 0; left-- {
		want.TriesLeft = left
		same(t, "challenge", must[auth.Challenge](t)(s.TryChallenge(ctx, want.ID, want.Kind, start)), want)
	}
	_, err := s.TryChallenge(ctx, want.ID, want.Kind, start)
	refused(t, "fourth try", err, store.ErrNotFound)
	same(t, "right proof of the last try", must[auth.Challenge](t)(s.ConsumeChallenge(ctx, want.ID, want.Kind, want.SecretHash, start)), want)
}

func challengeTriesAtOnce(t *testing.T, s store.Store) {
	ctx, c := context.Background(), challengeOf(newUser(t, s, "ann"))
	ok(t, "create", s.CreateChallenge(ctx, c))
	won := atOnce(t, 50, store.ErrNotFound, func(int) error {
		_, err := s.TryChallenge(ctx, c.ID, c.Kind, start)
		return err
	})
	count(t, "tries", won, 3)
}

func challengeWrong(t *testing.T, s store.Store) {
	ctx, c := context.Background(), challengeOf(newUser(t, s, "ann"))
	ok(t, "create", s.CreateChallenge(ctx, c))
	_, err := s.TryChallenge(ctx, c.ID, "other", start)
	refused(t, "try another kind", err, store.ErrNotFound)
	_, err = s.TryChallenge(ctx, auth.NewChallengeID(start), c.Kind, start)
	refused(t, "try another ID", err, store.ErrNotFound)
	_, err = s.ConsumeChallenge(ctx, c.ID, "other", c.SecretHash, start)
	refused(t, "consume as another kind", err, store.ErrNotFound)
	_, err = s.ConsumeChallenge(ctx, c.ID, c.Kind, c.SecretHash+"x", start)
	refused(t, "consume with another secret", err, store.ErrNotFound)
	same(t, "challenge", must[auth.Challenge](t)(s.ConsumeChallenge(ctx, c.ID, c.Kind, c.SecretHash, start)), c)
	_, err = s.ConsumeChallenge(ctx, c.ID, c.Kind, c.SecretHash, start)
	refused(t, "consume twice", err, store.ErrNotFound)
}

func challengeExpiry(t *testing.T, s store.Store) {
	ctx, c := context.Background(), challengeOf(newUser(t, s, "ann"))
	ok(t, "create", s.CreateChallenge(ctx, c))
	for _, now := range []time.Time{c.ExpiresAt, justAfter(c.ExpiresAt)} {
		_, err := s.TryChallenge(ctx, c.ID, c.Kind, now)
		refused(t, "try at its end", err, store.ErrNotFound)
		_, err = s.ConsumeChallenge(ctx, c.ID, c.Kind, c.SecretHash, now)
		refused(t, "consume at its end", err, store.ErrNotFound)
	}
	must[auth.Challenge](t)(s.TryChallenge(ctx, c.ID, c.Kind, justBefore(c.ExpiresAt)))
	must[auth.Challenge](t)(s.ConsumeChallenge(ctx, c.ID, c.Kind, c.SecretHash, justBefore(c.ExpiresAt)))
}

func challengeConsumeAtOnce(t *testing.T, s store.Store) {
	ctx, c := context.Background(), challengeOf(newUser(t, s, "ann"))
	ok(t, "create", s.CreateChallenge(ctx, c))
	won := atOnce(t, 50, store.ErrNotFound, func(int) error {
		_, err := s.ConsumeChallenge(ctx, c.ID, c.Kind, c.SecretHash, start)
		return err
	})
	count(t, "winners", won, 1)
}

func challengePurge(t *testing.T, s store.Store) {
	ctx, u := context.Background(), newUser(t, s, "ann")
	before := start.Add(time.Minute)
	ends := []time.Time{start, justBefore(before), justBefore(before), before, justAfter(before)}
	var all []auth.Challenge
	for _, end := range ends {
		c := challengeOf(u)
		c.ExpiresAt = end
		ok(t, "create", s.CreateChallenge(ctx, c))
		all = append(all, c)
	}
	count(t, "purged, limit two", must[int](t)(s.PurgeChallenges(ctx, before, 2)), 2)
	count(t, "purged, the rest", must[int](t)(s.PurgeChallenges(ctx, before, 9)), 1)
	for i, c := range all {
		_, err := s.ConsumeChallenge(ctx, c.ID, c.Kind, c.SecretHash, start.Add(-time.Hour))
		if kept := err == nil; kept != (i >= 3) {
			t.Errorf("challenge that ends at %v: kept is %v", c.ExpiresAt, kept)
		}
	}
}
