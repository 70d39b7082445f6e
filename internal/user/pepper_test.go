package user_test

import (
	"context"
	"errors"
	"testing"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/password"
	"github.com/gatehouse-auth/gatehouse/internal/roomtest"
)

// Whoever is signed in while the pepper of their hash is missing can prove
// nothing, and loses nothing by trying.
func TestChangePassword_missingPepperIsUnavailableAndCountsNothing(t *testing.T) {
	r := roomtest.New(t)
	peppered, err := password.New(password.Options{Peppers: []auth.Secret{"Yw2mQ0cB7sVx4pHk9eRt1uJz6nLf8aDg"}})
	if err != nil {
		t.Fatal(err)
	}
	without := r.Users.Passwords
	r.Users.Passwords = peppered
	u := r.NewUserWithPassword(t, "ann")
	_, mine := r.Begin(t, r.V4, u, nil)
	current := roomtest.Check(t, r.V4, mine.Text)

	r.Users.Passwords = without
	for range 20 {
		if _, err := change(r, current, roomtest.Password, roomtest.OtherPassword); !errors.Is(err, auth.CodeUnavailable) {
			t.Fatalf("change: %v, want unavailable", err)
		}
		if err := r.Users.DeleteOwn(context.Background(), current, roomtest.Password); !errors.Is(err, auth.CodeUnavailable) {
			t.Fatalf("delete: %v, want unavailable", err)
		}
	}
	r.Users.Passwords = peppered
	if _, err := change(r, current, roomtest.Password, roomtest.OtherPassword); err != nil {
		t.Errorf("the pepper is back: %v", err)
	}
}
