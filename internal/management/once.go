package management

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"time"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/store"
)

// rememberFor is how long the same request makes nothing new.
const rememberFor = 24 * time.Hour

// creationKey hides who asked for what under which key: keys that callers choose
// may say anything.
func creationKey(a Actor, what, key string) string {
	who := a.name()
	return digest(who + "\x00" + what + "\x00" + key)
}

func digest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// BeginCreation notes that the Actor is about to make something under a key of
// theirs. When the same request has made it already, its ID is returned. Codes:
// idempotency_key_reused (the request is another one), under_way (the first one
// was not answered), unavailable.
func (r *Room) BeginCreation(ctx context.Context, a Actor, what, key string, request []byte) (made string, err error) {
	now := r.now()
	c := auth.Creation{Key: creationKey(a, what, key), Request: digest(string(request)), Until: now.Add(rememberFor)}
	err = r.Store.BeginCreation(ctx, c, now)
	if !errors.Is(err, store.ErrConflict) {
		return "", translate("begin a creation", err)
	}
	first, err := r.Store.Creation(ctx, c.Key, now)
	switch {
	case errors.Is(err, store.ErrNotFound): // it has failed meanwhile
		return "", auth.NewError(auth.CodeUnderWay, err)
	case err != nil:
		return "", translate("read a creation", err)
	case first.Request != c.Request:
		return "", auth.NewError(auth.CodeKeyReused, nil)
	case first.Made == "":
		return "", auth.NewError(auth.CodeUnderWay, nil)
	}
	return first.Made, nil
}

// FinishCreation notes what was made. Code: unavailable.
func (r *Room) FinishCreation(ctx context.Context, a Actor, what, key, made string) error {
	return translate("finish a creation", r.Store.FinishCreation(ctx, creationKey(a, what, key), made))
}

// ForgetCreation lets the key be used again, because nothing was made. Should it
// fail, the key stays one whose request is under way.
func (r *Room) ForgetCreation(ctx context.Context, a Actor, what, key string) {
	_ = r.Store.ForgetCreation(ctx, creationKey(a, what, key))
}
