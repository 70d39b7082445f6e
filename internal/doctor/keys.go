package doctor

import (
	"errors"
	"time"

	"github.com/gatehouse-auth/gatehouse"
	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/keyring"
)

// overdue is how long after a step of the schedule was due nothing is said of it,
// beside the time that a key is published before it signs.
const overdue = time.Hour

// keys judges the signing keys: whether the settings open them, and whether they
// are replaced when they should be.
func (j *judge) keys() {
	list, err := gatehouse.JudgeKeys(j.Settings.Config, j.Database.Keys)
	if err != nil {
		return // there is no secret at all, and the server says so
	}
	setting := "keys.master"
	if len(j.Settings.Keys.Master) == 0 {
		setting = "secrets"
	}
	next := map[string]auth.Key{}
	for _, k := range list {
		if k.State == auth.KeyNext {
			next[k.Algorithm] = k.Key
		}
	}
	late := j.Now.Add(-overdue - j.Settings.Config.WithDefaults().Keys.Lead)
	for _, k := range list {
		switch {
		case k.Fault != nil:
			cure := "restore a backup from before it was altered"
			if errors.Is(k.Fault, keyring.ErrMaster) {
				cure = "put the secret that it was sealed under back, behind the first of " + setting + ", and restart the server"
			}
			j.add("key-unopened", setting, cure+"\nif there is none, give up the key and what it signed: gatehouse key retire --now"+j.flag()+" "+k.ID,
				"the signing key %s (%s, %s): %s", tame(k.ID), tame(k.Algorithm), tame(string(k.State)), tame(k.Fault.Error()))
		case !k.InUse || !k.Due.Before(late):
		case k.State == auth.KeyActive:
			waits := "there is no next one"
			if n, there := next[k.Algorithm]; there {
				waits = "the next one, " + n.ID + ", is published since " + n.CreatedAt.UTC().Format(time.DateTime)
			}
			j.add("key-overdue", "keys.rotate_every", "start a server; where one runs, gatehouse key rotate"+j.flag()+" --algorithm "+k.Algorithm+" says what it waits for",
				"the signing key %s (%s) was to be replaced at %s; %s", tame(k.ID), tame(k.Algorithm), k.Due.UTC().Format(time.DateTime), tame(waits))
		case k.State == auth.KeyRetiring:
			j.add("key-overdue", "", "start a server; where one runs, look for \"schedule of signing keys\" in its log",
				"the signing key %s (%s) has done its work and was to be retired at %s", tame(k.ID), tame(k.Algorithm), k.Due.UTC().Format(time.DateTime))
		}
	}
}
