package session

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/oneread"
	"github.com/gatehouse-auth/gatehouse/internal/seal"
	"github.com/gatehouse-auth/gatehouse/internal/store"
)

// CarryStored makes the cookies of the mount no more than an ID and a secret,
// before it serves: "<session>.<secret>". Everything else is in the row, of which
// up to the given number of copies are kept in memory, in about 160 bytes each.
//
// It stands against whoever reads a cookie or the database: the cookie shows
// nothing, and of the secret only a hash is stored.
func (m *Mount) CarryStored(copies int) error {
	keys, err := newKeys("gatehouse stored session v1", m.Installation, m.Secrets)
	if err != nil {
		return err
	}
	kept := newCopies(copies)
	m.carrier = &stored{Mount: m, keys: keys, copies: kept, reads: oneread.New[rowOfUser](readsAtOnce)}
	m.carrying.Lock()
	defer m.carrying.Unlock()
	m.carried = append(m.carried, kept)
	return nil
}

// stored is the carrier whose cookie is an ID and a secret.
type stored struct {
	*Mount
	keys   *factsKeys
	copies *copies
	reads  *oneread.Reads[rowOfUser]
}

// fromRow is what a checked session has beside when it is a stored one.
type fromRow struct {
	token   string
	version int64
	// due: a tenth of the idle time has passed since a check last said so.
	due bool
	// fresh: the row has just been inserted, and no copy of it is kept yet.
	fresh bool
	// altered: the claims may be others than those of the row.
	altered bool
}

// readsAtOnce is how many sessions of which there is no copy are read at a time:
// when a server has just started every session is one.
const readsAtOnce = 32

// rowOfUser is a row and its user's.
type rowOfUser struct {
	session auth.Session
	user    auth.User
}

// The secret is 32 random bytes and the first 16 of an HMAC over them, the
// session and the mount, in base64url. By that whoever makes secrets up is told
// from whoever has one without a look at the database (guarantees R8).
const (
	secretRandom = 32
	secretLength = (secretRandom + macSize) * 4 / 3
	idLength     = 40
	storedLength = idLength + 1 + secretLength
)

// cutStored takes the text of a cookie apart.
func cutStored(text string) (id [16]byte, secret string, ok bool) {
	if len(text) != storedLength || text[idLength] != '.' {
		return id, "", false
	}
	id, err := auth.SessionID(text[:idLength]).UUID()
	return id, text[idLength+1:], err == nil
}

func (c *stored) begin(b *Begun, u auth.User, members []member) {
	random := make([]byte, secretRandom, secretRandom+macSize)
	_, _ = rand.Read(random) // never fails, see crypto/rand
	id, _ := b.ID.UUID()     // we have just made it
	tag := c.tag(0, id, random)
	secret := base64.RawURLEncoding.EncodeToString(append(random, tag[:]...))
	b.token, b.SecretHash = string(b.ID)+"."+secret, seal.HashSecret(secret)
	b.Data = rowData(u.Roles, members)
}

func (c *stored) tag(i int, id [16]byte, random []byte) [macSize]byte {
	return sum(c.keys.macs[i], c.name, append(append(make([]byte, 0, 64), id[:]...), random...))
}

// genuine says whether we have made the secret for this session at this mount.
func (c *stored) genuine(id [16]byte, secret string) bool {
	var room [secretRandom + macSize]byte
	b, err := strictURL.AppendDecode(room[:0], []byte(secret))
	if err != nil || len(b) != len(room) {
		return false
	}
	for i := range c.keys.macs {
		if tag := c.tag(i, id, b[:secretRandom]); hmac.Equal(tag[:], b[secretRandom:]) {
			return true
		}
	}
	return false
}

// open finds the copy of the row, or reads it. A copy is no authority: what it
// says of the session's end is asked of the index by every check, and one that is
// older than the index says is read anew (guarantees R8).
func (c *stored) open(ctx context.Context, text string, now time.Time) (Checked, sealedBy, error) {
	id, secret, ok := cutStored(text)
	if !ok {
		return Checked{}, nobody, nil
	}
	var room [secretLength]byte
	copy(room[:], secret)
	hash := sha256.Sum256(room[:])
	known, found := c.copies.get(id, &hash, now.Unix(), int64(c.Idle/time.Second), int64(c.tenth()/time.Second))
	switch {
	case found == foreign, found == gone, found == missing && !c.genuine(id, secret):
		return Checked{}, nobody, nil
	case found >= held && !c.outdated(known) && !c.Index.Doubts(known.session, known.user):
		if found == heldDue {
			c.seen.note(id, now)
		}
		return c.checkedOf(text, known, found == heldDue, now), gatehouse, nil
	}
	if end, over := c.Index.SessionEnded(id); over {
		// Nothing that the row says could make this a session again.
		if v := ended(end.At, now); v == Void || !end.Superseded {
			return Checked{Verdict: v}, settled, nil
		}
	}
	return c.read(ctx, text, known, id, hash, now)
}

// outdated says whether the index has heard of a newer row.
func (c *stored) outdated(e rowCopy) bool {
	least, known := c.Index.User(e.user)
	return known && e.userVersion < least.Version || e.version < c.Index.SessionVersion(e.session)
}

// checkedOf is the session that a copy tells of. It is in use, so its idle end
// lies ahead.
func (c *stored) checkedOf(text string, e rowCopy, due bool, now time.Time) Checked {
	return Checked{
		Facts: Facts{
			User: e.user, Session: e.session, Epoch: e.epoch, Version: e.userVersion, Start: e.start, AbsoluteEnd: e.absoluteEnd,
			IdleEnd: min(now.Add(c.Idle).Unix(), e.absoluteEnd), Roles: e.roles,
		},
		Verdict: Live, claims: e.claims, gained: e.gained, localEnd: math.MaxInt64,
		stored: fromRow{token: text, version: e.version, due: due},
	}
}

// absentFor is how long it is remembered that there is no session of an ID.
const absentFor = time.Minute

// read is the way of a cookie of which there is no copy, or one that is too old,
// or one that has not been used for so long that only the row can tell whether it
// was used elsewhere. known is that copy.
func (c *stored) read(ctx context.Context, text string, known rowCopy, id [16]byte, hash [32]byte, now time.Time) (Checked, sealedBy, error) {
	for range 2 {
		r, err := c.reads.Of(ctx, id, c.row)
		if errors.Is(err, store.ErrNotFound) {
			if c.Index.MayBeUnseen(id, now) { // begun elsewhere, while we ask a database that was deposed
				return Checked{}, nobody, auth.Unavailable(errors.New("a stored session is not found that may have begun since the change feed was last read"))
			}
			c.putAbsent(id, hash, now)
			return Checked{}, nobody, nil
		}
		if err != nil {
			return Checked{}, nobody, auth.Unavailable(fmt.Errorf("read a stored session: %w", err))
		}
		if !hmac.Equal([]byte(r.session.SecretHash), hex.AppendEncode(nil, hash[:])) || r.session.Mount != c.name {
			return Checked{}, nobody, nil
		}
		e, issued, err := copyOf(r.session, r.user, hash)
		if err != nil {
			return Checked{}, nobody, fmt.Errorf("stored session: %w", err)
		}
		if c.outdated(e) {
			continue // read before the change was committed, by whom we have joined perhaps
		}
		return c.judgeRow(text, r, e, issued, known.seen, hash, now)
	}
	return Checked{}, nobody, auth.Unavailable(errors.New("the session's row is older than the change feed"))
}

// judgeRow judges a session by its row. seen is when it was last used as far as
// was known here.
func (c *stored) judgeRow(text string, r rowOfUser, e rowCopy, issued []string, seen int64, hash [32]byte, now time.Time) (Checked, sealedBy, error) {
	switch v := standing(r.session, r.user, now); v {
	case Live:
	case Superseded:
		s := c.checkedOf(text, e, false, now)
		s.Verdict, s.Roles = v, lesserRoles(issued, e.roles)
		return s, gatehouse, nil
	default:
		if v == Void {
			c.putAbsent(e.session, hash, now)
		}
		return Checked{Verdict: v}, settled, nil
	}
	// Other servers write a time of use behind by up to a tenth of the idle time.
	lag := c.tenth() + FlushInterval
	e.seen = max(e.seen, seen)
	if now.Unix() >= e.seen+int64((c.Idle+lag)/time.Second) {
		return Checked{}, settled, nil
	}
	due := now.Unix()-e.seen >= int64(c.tenth()/time.Second)
	if e.seen = now.Unix(); due {
		e.noted = e.seen
		c.seen.note(e.session, now)
	}
	c.copies.put(e)
	return c.checkedOf(text, e, due, now), gatehouse, nil
}

// putAbsent remembers that a secret is of no session any more.
func (c *stored) putAbsent(id [16]byte, hash [32]byte, now time.Time) {
	e := rowCopy{session: id, absent: true, absoluteEnd: now.Add(absentFor).Unix()}
	copy(e.hash[:], hash[:])
	c.copies.put(e)
}

// row reads the session and its user, in one read.
func (c *stored) row(ctx context.Context, id [16]byte) (r rowOfUser, err error) {
	r.session, r.user, err = c.Store.SessionAndUser(ctx, auth.SessionIDFromUUID(id))
	return r, err
}

// copyOf is the copy of a row. issued are the roles with which the session was
// begun.
func copyOf(row auth.Session, u auth.User, hash [32]byte) (e rowCopy, issued []string, err error) {
	f, err := factsOf(row, u)
	if err != nil {
		return e, nil, err
	}
	var c Claims
	c.setUser(u)
	if row.Subject != "" && row.Subject != string(u.ID) {
		c.SetString(subClaim, row.Subject)
	}
	issued, kept := fromRowData(row.Data)
	c.members = append(c.members, kept...)
	e = rowCopy{
		session: f.Session, user: f.User, epoch: f.Epoch, userVersion: f.Version, version: row.Version,
		start: f.Start, absoluteEnd: f.AbsoluteEnd, seen: row.LastSeenAt.Unix(), noted: row.LastSeenAt.Unix(),
		roles: u.Roles, claims: objectOf(c.members), gained: gains(issued, u.Roles),
	}
	copy(e.hash[:], hash[:])
	return e, issued, nil
}

// seal changes no cookie: its text is that of the row. What the application has
// altered beside the user is written to the row, and a copy is kept of what has
// just been written.
func (c *stored) seal(ctx context.Context, s *Checked, cl Claims, now time.Time) (string, error) {
	if s.stored.altered {
		if err := c.keep(ctx, s, cl.kept(), now); err != nil || s.Verdict != Live {
			return "", err
		}
	}
	if s.stored.fresh || s.stored.altered || s.current != nil {
		c.putCopy(s, cl, now)
	}
	s.stored.fresh, s.stored.altered, s.stored.due, s.localEnd = false, false, false, math.MaxInt64
	return s.stored.token, nil
}

func (c *stored) putCopy(s *Checked, cl Claims, now time.Time) {
	_, secret, ok := cutStored(s.stored.token)
	if !ok {
		return
	}
	hash := sha256.Sum256([]byte(secret))
	members := cl.members
	if raw, ok := cl.Get(subClaim); ok {
		if text, ok := seal.String(raw); ok && text == string(s.UserID()) {
			own := Claims{slices.Clone(members)}
			own.Delete(subClaim)
			members = own.members
		}
	}
	e := rowCopy{
		session: s.Session, user: s.User, epoch: s.Epoch, userVersion: s.Version, version: s.stored.version,
		start: s.Start, absoluteEnd: s.AbsoluteEnd, seen: now.Unix(), noted: now.Unix(), roles: s.Roles,
		claims: objectOf(members), gained: s.gained,
	}
	copy(e.hash[:], hash[:])
	c.copies.put(e)
}

// maxKept bounds what an application may keep in a session's row, in bytes of
// JSON.
const maxKept = 4096

// keep writes what the application keeps in the session, if that is something
// else than before, and tells every server. A session that has ended meanwhile is
// no error.
func (c *stored) keep(ctx context.Context, s *Checked, kept []member, now time.Time) error {
	var row auth.Session
	err := c.Store.InTx(ctx, func(tx store.Tx) (err error) {
		if row, err = tx.Session(ctx, s.SessionID()); err != nil {
			return err
		}
		issued, _ := fromRowData(row.Data)
		data := rowData(issued, kept)
		if data == row.Data {
			return nil
		}
		if len(data) > maxKept {
			return errKept
		}
		if row, err = tx.ChangeSessionData(ctx, row.ID, data); err != nil {
			return err
		}
		_, err = tx.AppendChange(ctx, auth.Change{
			Kind: auth.ChangeSessionChanged, SessionID: row.ID, Value: row.Version, At: now, Until: row.AbsoluteEnd.Add(tolerance),
		})
		return err
	})
	switch {
	case errors.Is(err, store.ErrNotFound):
		s.Verdict = JustEnded
		return nil
	case errors.Is(err, errKept):
		return &auth.Error{Code: auth.CodeInvalidRequest, Message: "The session cannot hold that much.", Cause: err}
	case err != nil:
		return auth.Unavailable(fmt.Errorf("keep the data of a session: %w", err))
	}
	s.stored.version = row.Version
	return nil
}

var errKept = fmt.Errorf("session: more than %d bytes of data", maxKept)

// rowData is what a row has beside its columns: the roles with which the session
// was begun, and what the application keeps in it.
func rowData(issued []string, kept []member) string {
	b := appendMembers([]byte{'{'}, kept)
	b = append(b, `"`+rolesClaim+`":`...)
	return string(append(appendList(b, issued), '}'))
}

func fromRowData(data string) (issued []string, kept []member) {
	_ = seal.Scan([]byte(data), func(name, raw []byte) error {
		if string(name) == rolesClaim {
			issued = texts(raw)
		} else {
			kept = append(kept, member{string(name), raw})
		}
		return nil
	})
	return issued, kept
}

// objectOf is the members as one JSON object.
func objectOf(members []member) []byte {
	b := appendMembers([]byte{'{'}, members)
	if n := len(b) - 1; b[n] == ',' {
		b = b[:n]
	}
	return append(b, '}')
}

// standing says how a session stands by its row and its user's.
func standing(row auth.Session, u auth.User, now time.Time) Verdict {
	switch {
	case !row.EndedAt.IsZero():
		v := ended(row.EndedAt, now)
		if v == JustEnded && row.EndReason == auth.EndSuperseded && !u.Disabled() && row.Epoch >= u.Epoch {
			return Superseded
		}
		return v
	case u.Disabled() || row.Epoch < u.Epoch:
		return JustEnded
	}
	return Live
}
