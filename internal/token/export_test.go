package token

import "github.com/gatehouse-auth/gatehouse/auth"

// CurrentToken is what the holder of a row, and of the room's secrets, can make:
// the family's current refresh token.
func CurrentToken(i *Issuer, f auth.Family) (auth.Secret, bool) {
	f.KeyID = i.roots.current()
	t, ok := i.roots.token(f, f.KeyID, f.Generation)
	return auth.Secret(t.text()), ok
}

// RefreshTokenParts is what a refresh token is read as.
func RefreshTokenParts(text string) (family auth.FamilyID, n int64, again string, ok bool) {
	t, ok := parseRefreshToken(text)
	if !ok {
		return "", 0, "", false
	}
	return t.family, t.n, t.text(), true
}

// Forget empties the cache of verified tokens.
func (r *Room) Forget() {
	for n := range r.cache.shards {
		r.cache.shards[n].known = nil
	}
}
