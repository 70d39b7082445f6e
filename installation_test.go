package gatehouse_test

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/gatehouse-auth/gatehouse"
	"github.com/gatehouse-auth/gatehouse/internal/user"
	"github.com/gatehouse-auth/gatehouse/internal/user/transfer"
)

// What was revoked in one installation does not come back in another that got
// its users, with their IDs, and has the same secrets: no file says there what
// ended.
//
// proves: ASVS 7.4.1
func TestNew_takesNoSessionOfAnotherInstallation(t *testing.T) {
	cfg := config(t)
	first := open(t, cfg)
	createAnn(t, first)
	stop := start(t, first)
	cookies := login(t, first)
	if !signedIn(first, cookies) {
		t.Fatal("the control is not signed in")
	}
	var all []transfer.User
	if err := first.Users().Export(t.Context(), "cli", true, func(u transfer.User) error { all = append(all, u); return nil }); err != nil {
		t.Fatal(err)
	}
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	cfg.Database = gatehouse.Database{Path: filepath.Join(t.TempDir(), "second.db")}
	cfg.Mounts[0].AdoptUntil = time.Now().Add(time.Hour)
	second := open(t, cfg)
	o := user.ImportOptions{Actor: "cli", Mounts: []string{cfg.Mounts[0].BasePath}, Plain: []string{cfg.Mounts[0].BasePath}}
	if out, err := second.Users().NewImport(o).Users(t.Context(), all); err != nil || out[0].Refused != nil {
		t.Fatal(out, err)
	}
	defer start(t, second)()
	if signedIn(second, cookies) {
		t.Error("a session of the first installation is good in the second")
	}
	if !signedIn(second, login(t, second)) {
		t.Error("the imported user cannot sign in")
	}
}
