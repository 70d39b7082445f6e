package auth_test

import (
	"encoding/hex"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-auth/gatehouse/auth"
)

var moment = time.Date(2026, 3, 9, 13, 37, 59, 123456000, time.UTC)

func TestNewUserID_isUUIDv7OfItsMoment(t *testing.T) {
	id := auth.NewUserID(moment)
	u, err := id.UUID()
	if err != nil {
		t.Fatalf("UUID of %q: %v", id, err)
	}
	ms := int64(0)
	for _, b := range u[:6] {
		ms = ms<<8 | int64(b)
	}
	if ms != moment.UnixMilli() {
		t.Errorf("time part of %s is %d, want %d (RFC 9562 §5.7)", id, ms, moment.UnixMilli())
	}
	if version := u[6] >> 4; version != 7 {
		t.Errorf("version of %s is %d, want 7", id, version)
	}
	if variant := u[8] >> 6; variant != 0b10 {
		t.Errorf("variant of %s is %b, want 10", id, variant)
	}
}

func TestUserIDFromUUID_isTheInverse(t *testing.T) {
	for range 1000 {
		user, session := auth.NewUserID(moment), auth.NewSessionID(moment)
		u, err := user.UUID()
		if err != nil || auth.UserIDFromUUID(u) != user {
			t.Fatalf("%s came back as %s (%v)", user, auth.UserIDFromUUID(u), err)
		}
		s, err := session.UUID()
		if err != nil || auth.SessionIDFromUUID(s) != session {
			t.Fatalf("%s came back as %s (%v)", session, auth.SessionIDFromUUID(s), err)
		}
	}
}

func TestNewIDs_carryTheirPrefix(t *testing.T) {
	for prefix, id := range map[string]string{
		"usr_": string(auth.NewUserID(moment)), "ses_": string(auth.NewSessionID(moment)),
		"chl_": string(auth.NewChallengeID(moment)), "inv_": string(auth.NewInvitationID(moment)),
		"evt_": string(auth.NewEventID(moment)),
	} {
		if !strings.HasPrefix(id, prefix) || len(id) != 40 {
			t.Errorf("got %q, want 40 characters behind %s", id, prefix)
		}
	}
}

// Of one millisecond, too, no two are alike and none follows from another.
//
// proves: CS-1
func TestNewUserID_isRandomWithinAMillisecond(t *testing.T) {
	seen := map[auth.UserID]bool{}
	var made []auth.UserID
	for range 10_000 {
		id := auth.NewUserID(moment)
		if seen[id] {
			t.Fatalf("%s was made twice", id)
		}
		seen[id] = true
		made = append(made, id)
	}
	if slices.IsSorted(made) {
		t.Error("identifiers of one moment come in order, as counted ones would")
	}
}

func TestParseUserID_acceptsOneSpellingAlone(t *testing.T) {
	good := string(auth.NewUserID(moment))
	if got, err := auth.ParseUserID(good); err != nil || string(got) != good {
		t.Fatalf("ParseUserID(%q) = %q, %v", good, got, err)
	}
	bare := strings.ReplaceAll(good[4:], "-", "")
	for name, bad := range map[string]string{
		"empty": "", "prefix alone": "usr_", "other prefix": "ses_" + good[4:], "no prefix": good[4:],
		"capitals": "usr_" + strings.ToUpper(good[4:]), "capital prefix": "USR_" + good[4:],
		"without hyphens": "usr_" + bare, "hyphens moved": "usr_" + bare[:9] + "-" + bare[9:], "hyphens alone": "usr_" + strings.Repeat("-", 36),
		"a hyphen for a pair of digits": good[:4] + "-" + good[5:39] + "-", "a hyphen in the last group": good[:28] + "--" + good[30:],
		"a digit short": good[:39], "a digit long": good + "0", "blank before": " " + good, "blank behind": good + " ",
		"no hexadecimal": good[:39] + "g", "underscores": strings.ReplaceAll(good, "-", "_"),
		"braces": "usr_{" + good[5:39] + "}", "null byte": good[:39] + "\x00", "fullwidth": good[:39] + "０",
	} {
		if got, err := auth.ParseUserID(bad); err == nil {
			t.Errorf("%s: ParseUserID(%q) = %q, want it refused", name, bad, got)
		}
	}
}

// proves: CS-11
func FuzzParseUserID(f *testing.F) {
	f.Add(string(auth.NewUserID(moment)))
	f.Add("usr_01981c2e-7a3b-7c4d-8e5f-0123456789ab")
	f.Add("usr_'; DROP TABLE users; --------------!")
	f.Add("usr_--------------------------------------")
	f.Fuzz(func(t *testing.T, s string) {
		id, err := auth.ParseUserID(s)
		if err != nil {
			return
		}
		u, err := id.UUID()
		if err != nil {
			t.Fatalf("%q was accepted and has no UUID: %v", s, err)
		}
		if back := string(auth.UserIDFromUUID(u)); back != s {
			t.Fatalf("%q and %q name the same user", s, back)
		}
		if _, err := hex.DecodeString(strings.ReplaceAll(s[4:], "-", "")); err != nil {
			t.Fatalf("%q was accepted and is not hexadecimal", s)
		}
	})
}
