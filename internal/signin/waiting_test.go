package signin_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/roomtest"
)

func TestWaiting_tellsWhoseNewPasswordItWillBe(t *testing.T) {
	r := roomtest.New(t)
	u, token := first(t, r)
	for range 20 { // more often than the step may be tried
		got, err := r.SignIn.Waiting(context.Background(), token)
		if err != nil || got.ID != u.ID {
			t.Fatalf("%s, %v", got.ID, err)
		}
	}
	if out, err := second(r, token, roomtest.OtherPassword, from(r, "")); err != nil || !out.Done() {
		t.Errorf("the step itself, after looking: %v", err)
	}
	_, err := r.SignIn.Waiting(context.Background(), token)
	wantExpired(t, "after the step", err)
}

func TestWaiting_tellsNobodyElse(t *testing.T) {
	r := roomtest.New(t)
	_, token := first(t, r)
	id, _, _ := strings.Cut(token.Reveal(), ".")
	for name, forged := range map[string]string{
		"empty": "", "no secret": id, "empty secret": id + ".", "another secret": id + "." + strings.Repeat("A", 43), "something behind": token.Reveal() + "x",
	} {
		_, err := r.SignIn.Waiting(context.Background(), auth.Secret(forged))
		wantExpired(t, name, err)
	}
	r.Advance(10 * time.Minute)
	_, err := r.SignIn.Waiting(context.Background(), token)
	wantExpired(t, "at the end", err)
}
