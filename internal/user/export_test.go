package user_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/roomtest"
	"github.com/gatehouse-auth/gatehouse/internal/user/transfer"
)

func TestExport_isTheInverseOfImport(t *testing.T) {
	r := roomtest.New(t)
	outcomes(t, importing(r), anAda(), transfer.User{Username: "bob", Disabled: true})
	export := func(r *roomtest.Rooms) (list []transfer.User) {
		t.Helper()
		if err := r.Users.Export(t.Context(), "cli", true, func(u transfer.User) error { list = append(list, u); return nil }); err != nil {
			t.Fatal(err)
		}
		return list
	}
	first := export(r)
	if len(first) != 2 || first[0].PasswordHash != aHash || len(first[0].OldIDs) != 3 || !first[1].Disabled {
		t.Fatalf("%+v", first)
	}
	other := roomtest.New(t)
	other.Advance(time.Hour)
	if got := outcomes(t, importing(other), first...); !slices.Equal(got, []string{"new", "new"}) {
		t.Fatal(got)
	}
	if diff := cmp.Diff(first, export(other)); diff != "" {
		t.Errorf("exported, imported, exported (-first +second):\n%s", diff)
	}
}

func TestExport_givesHashesOnlyWhenAskedAndIsRecorded(t *testing.T) {
	r := roomtest.New(t)
	outcomes(t, importing(r), anAda())
	for _, hashes := range []bool{false, true} {
		r.Advance(time.Second)
		err := r.Users.Export(t.Context(), "cli", hashes, func(u transfer.User) error {
			if (u.PasswordHash != "") != hashes || u.MustChange != hashes {
				t.Errorf("asked %t: %+v", hashes, u)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		list, err := r.DB.ListEvents(t.Context(), "", 1)
		if err != nil || list[0].Type != auth.EventUsersExported || list[0].Actor != "cli" || (list[0].Detail == "with_password_hashes") != hashes {
			t.Errorf("recorded %+v, %v", list, err)
		}
	}
	// What cannot be recorded is not done.
	r.Faults.Break("AppendEvent")
	err := r.Users.Export(t.Context(), "cli", true, func(transfer.User) error {
		t.Error("a user was given away")
		return nil
	})
	if !errors.Is(err, auth.CodeUnavailable) {
		t.Error(err)
	}
}

// Users go while an export is under way: nobody is there by half, and nobody
// else is missing or twice.
func TestExport_isStableWhileUsersGo(t *testing.T) {
	r := roomtest.New(t)
	im := importing(r)
	var names []string
	for i := range 520 { // more than a page
		name := "u" + string(rune('a'+i/26/26)) + string(rune('a'+i/26%26)) + string(rune('a'+i%26))
		names = append(names, name)
		outcomes(t, im, transfer.User{Username: name, PasswordHash: aHash})
	}
	var got []string
	err := r.Users.Export(t.Context(), "cli", true, func(u transfer.User) error {
		if u.PasswordHash != aHash {
			t.Errorf("%s has lost the password", u.Username)
		}
		if got = append(got, u.Username); len(got) != 3 {
			return nil
		}
		for _, name := range []string{names[0], names[3], names[510]} {
			gone, err := r.DB.UserByIdentifier(t.Context(), name)
			if err != nil {
				return err
			}
			if err := r.Users.Delete(t.Context(), "cli", gone.ID); err != nil {
				return err
			}
		}
		return nil
	})
	want := slices.Concat(names[:3], names[4:510], names[511:])
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("%v %s", err, diff)
	}
	stop := errors.New("disk full")
	if err := r.Users.Export(t.Context(), "cli", false, func(transfer.User) error { return stop }); err != stop {
		t.Errorf("an error of the writer came back as %v", err)
	}
}
