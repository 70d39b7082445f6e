package user

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/password"
	"github.com/gatehouse-auth/gatehouse/internal/store"
	"github.com/gatehouse-auth/gatehouse/internal/user/transfer"
)

// Import is [Room.Create] for one user who comes with a password hash from
// elsewhere. A hash that could never be verified is refused with
// invalid_request. Whole files go through [Room.NewImport].
func (r *Room) Import(ctx context.Context, actor string, in New) (auth.User, error) {
	if err := r.judgeHash(in.PasswordHash); err != nil {
		return auth.User{}, err
	}
	return r.create(ctx, actor, auth.EventUserImported, in)
}

// ImportBatch is how many users [Import.Users] takes at a time: what a
// transaction does in less than its 5 ms.
const ImportBatch = 32

// ImportOptions say how users are imported.
type ImportOptions struct {
	// Actor goes into the audit records.
	Actor string
	// Mounts are the base paths of the installation, and Plain those of them at
	// which old IDs count that name no mount.
	Mounts, Plain []string
	// DryRun judges and writes nothing. Users of one file are not compared with
	// each other then.
	DryRun bool
}

// Import is one import, of a file of any size. It is for one goroutine.
type Import struct {
	room *Room
	o    ImportOptions
	last userIDs
	// met says that somebody of the last batch was there already: then it is
	// cheaper to look before inserting.
	met bool
}

// NewImport begins an import. Nothing of it is kept anywhere: a user who is
// there already is told from another one by comparing, so that an import that
// was interrupted is done again from its beginning.
func (r *Room) NewImport(o ImportOptions) *Import { return &Import{room: r, o: o} }

// Outcome is what became of one user of an import.
type Outcome struct {
	// Present says that an earlier import brought this user already.
	Present bool
	// Refused says why the user was not imported: an [*auth.Error].
	Refused error
}

// Users imports up to ImportBatch users and returns what became of each, in
// their order. An error means that the store could not do its work: nothing is
// known of any of them then, and doing it again is right.
func (im *Import) Users(ctx context.Context, list []transfer.User) ([]Outcome, error) {
	out := make([]Outcome, len(list))
	drafts := make([]draft, len(list))
	var fresh []int
	roles, err := im.room.roleNames(ctx)
	if err != nil {
		return nil, err
	}
	look := im.met || im.o.DryRun
	im.met = false
	for i, u := range list {
		d, err := im.draft(u)
		if err == nil && roles != nil {
			err = roles.Check(d.user.Roles)
		}
		if err == nil && (look || d.ownID) {
			out[i].Present, err = im.room.present(ctx, im.room.Store, d)
		}
		if unavailable(err) {
			return nil, err
		}
		drafts[i], out[i].Refused = d, err
		im.met = im.met || out[i].Present
		if err == nil && !out[i].Present {
			fresh = append(fresh, i)
		}
	}
	if im.o.DryRun || len(fresh) == 0 {
		return out, nil
	}
	taken, err := im.create(ctx, drafts, fresh)
	if err != nil {
		return nil, err
	}
	// Somebody else had the name first: a line before it, as a rule.
	for _, i := range taken {
		present, err := im.room.present(ctx, im.room.Store, drafts[i])
		if unavailable(err) {
			return nil, err
		}
		if !present && err == nil { // and is gone again
			err = refused("", "the user came and went while the import ran; import the line again")
		}
		im.met = im.met || present
		out[i] = Outcome{Present: present, Refused: err}
	}
	return out, nil
}

// create inserts the users in one transaction and returns those of whom
// something was taken already.
func (im *Import) create(ctx context.Context, drafts []draft, fresh []int) (taken []int, err error) {
	for _, i := range fresh {
		if u := &drafts[i].user; u.ID == "" {
			u.ID = im.last.next(u.UpdatedAt)
		}
	}
	err = im.room.Store.InTx(ctx, func(tx store.Tx) error {
		taken = nil
		for _, i := range fresh {
			err := drafts[i].insert(ctx, tx, im.o.Actor)
			if errors.Is(err, store.ErrConflict) {
				taken = append(taken, i)
			} else if err != nil {
				return err
			}
		}
		return nil
	})
	return taken, translate("import users", err)
}

// draft is a user to be imported, judged.
type draft struct {
	user   auth.User
	hash   string
	must   bool
	oldIDs []auth.OldID
	// These say that the time is the file's and not the present.
	created, verifiedAt, disabledAt bool
	ownID                           bool
}

// insert writes all of the user, or returns ErrConflict and leaves nothing.
func (d draft) insert(ctx context.Context, tx store.Tx, actor string) error {
	u := d.user
	if err := tx.CreateUser(ctx, u); err != nil {
		return err
	}
	if err := tx.AddOldIDs(ctx, u.ID, d.oldIDs); err != nil {
		if errors.Is(err, store.ErrConflict) {
			if undo := tx.DeleteUser(ctx, u.ID); undo != nil {
				return fmt.Errorf("take back a user: %v", undo) // not wrapped: it is no answer
			}
		}
		return err
	}
	if d.ownID || u.Disabled() {
		// Who was at a Gatehouse may have signed out there, and whoever is barred
		// here has nothing that a later permission could bring back.
		if err := tx.RefuseAdoption(ctx, u.ID, u.UpdatedAt); err != nil {
			return err
		}
	}
	if d.hash != "" {
		p := auth.Password{UserID: u.ID, Hash: d.hash, MustChange: d.must, UpdatedAt: u.UpdatedAt}
		if err := tx.SetPassword(ctx, p); err != nil {
			return err
		}
	}
	return tx.AppendEvent(ctx, event(auth.EventUserImported, actor, u.ID, "", u.UpdatedAt))
}

// draft judges one user without asking who is there already.
func (im *Import) draft(in transfer.User) (d draft, err error) {
	r := im.room
	if d.user, err = r.draft(New{Email: in.Email, Username: in.Username, Name: in.Name, Image: in.Image, Roles: in.Roles}); err != nil {
		return d, err
	}
	d.user.UpdatedAt = d.user.UpdatedAt.UTC().Truncate(time.Microsecond)
	d.user.ID, d.ownID = in.ID, in.ID != ""
	if err := d.times(in); err != nil {
		return d, err
	}
	if err := r.judgeHash(in.PasswordHash); err != nil {
		return d, err
	}
	d.hash, d.must = in.PasswordHash, in.MustChange
	if d.must && d.hash == "" {
		return d, refused("password_must_change", "There is no password_hash that it could speak of.")
	}
	d.oldIDs, err = im.o.placed(in.OldIDs)
	return d, err
}

// times takes over what the file says of times; where it says none it is now.
func (d *draft) times(in transfer.User) error {
	now := d.user.UpdatedAt
	for _, t := range []struct {
		field string
		set   bool
		at    time.Time
		to    *time.Time
		told  *bool
	}{
		{"created_at", true, in.CreatedAt, &d.user.CreatedAt, &d.created},
		{"email_verified", in.Verified, in.VerifiedAt, &d.user.EmailVerifiedAt, &d.verifiedAt},
		{"disabled", in.Disabled, in.DisabledAt, &d.user.DisabledAt, &d.disabledAt},
	} {
		switch {
		case !t.set:
			continue
		case t.at.IsZero():
			*t.to = now
		case t.at.After(now.Add(24 * time.Hour)): // a day for clocks and zones
			return refused(t.field, "The time lies in the future.")
		default:
			*t.to, *t.told = t.at, true
		}
	}
	return nil
}

// unreadable says what is wrong with a hash, and what its owner can do without
// it; never with a word of the hash, which may be a password in the clear.
func unreadable(err error) string {
	const without = " The user can be imported without it, and given a password with gatehouse user set-password."
	switch {
	case errors.Is(err, password.ErrTooCostly):
		return "The password hash costs more than a sign-in may; docs/security/passwords.md has the limits." + without
	case errors.Is(err, password.ErrUnknownScheme):
		return "The password hash is of no form that is understood; docs/security/passwords.md lists the forms." + without
	default:
		return "The password hash begins like one that is understood and does not go on so: it is cut off or changed. Export it again."
	}
}

// judgeHash refuses what could never be verified, with invalid_request. It
// computes nothing.
func (r *Room) judgeHash(hash string) error {
	if hash == "" {
		return nil
	}
	if err := password.Readable(hash); err != nil {
		return &auth.Error{Code: auth.CodeInvalidRequest, Field: "password_hash", Cause: err, Message: unreadable(err)}
	}
	if err := r.Passwords.Missing(hash); err != nil {
		return &auth.Error{Code: auth.CodeInvalidRequest, Field: "password_hash", Cause: err, Message: "The password hash was made with a pepper that is not among the settings."}
	}
	return nil
}

// maxOldIDs bounds the old IDs of one user, so that a transaction keeps to its
// time.
const maxOldIDs = 64

// placed gives each old ID its mounts, and each mount an ID once.
func (o ImportOptions) placed(ids []auth.OldID) (out []auth.OldID, err error) {
	seen := make(map[auth.OldID]bool)
	for _, main := range []bool{true, false} { // an account's ID that is the main one too is that
		for _, id := range ids {
			if id.Main != main {
				continue
			}
			field := "account_ids"
			if main {
				field = "old_id"
			}
			if err := auth.CheckOldID(id.Value); err != nil {
				return nil, auth.WithField(err, field)
			}
			mounts, err := o.mounts(id.Mount)
			if err != nil {
				return nil, auth.WithField(err, field)
			}
			for _, m := range mounts {
				key := auth.OldID{Mount: m, Value: id.Value}
				if !seen[key] {
					seen[key] = true
					out = append(out, auth.OldID{Mount: m, Value: id.Value, Main: main})
				}
			}
		}
	}
	if len(out) > maxOldIDs {
		return nil, refused("account_ids", fmt.Sprintf("A user has at most %d old IDs.", maxOldIDs))
	}
	return out, nil
}

func (o ImportOptions) mounts(named string) ([]string, error) {
	if named == "" {
		if len(o.Plain) == 0 {
			return nil, refused("old_id", "It is not said at which mount it counts.")
		}
		return o.Plain, nil
	}
	for _, m := range o.Mounts {
		if m == named {
			return []string{m}, nil
		}
	}
	return nil, refused("old_id", "It names a mount that the settings do not have.")
}

// refused is a refusal with words of its own.
func refused(field, message string) error {
	return &auth.Error{Code: auth.CodeInvalidRequest, Field: field, Message: message}
}

// unavailable says whether err is no answer at all.
func unavailable(err error) bool {
	if err == nil {
		return false
	}
	k := auth.AsError(err).Code.Kind()
	return k == auth.KindUnavailable || k == auth.KindInternal
}

// userIDs makes IDs that grow, so that users stand in the order of their file
// also when many came in one millisecond: rand_a counts (RFC 9562 §6.2, method
// 1).
type userIDs struct{ ms, count int64 }

func (l *userIDs) next(now time.Time) auth.UserID {
	if ms := now.UnixMilli(); ms > l.ms {
		l.ms, l.count = ms, 0
	} else if l.count++; l.count > 0xfff {
		l.ms, l.count = l.ms+1, 0
	}
	var u [16]byte
	for i := range 6 {
		u[i] = byte(l.ms >> (40 - 8*i))
	}
	u[6], u[7] = 0x70|byte(l.count>>8), byte(l.count)
	rand.Read(u[8:]) // never fails: crypto/rand ends the program instead
	u[8] = u[8]&0x3f | 0x80
	return auth.UserIDFromUUID(u)
}
