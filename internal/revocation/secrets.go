package revocation

import (
	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/store"
)

// compareSecrets notices that another node has secrets that this one may lack
// (guarantees R20). That is never forgotten: what that node has sealed outlives
// it.
func (f *Follower) compareSecrets(beat auth.Node, r store.Round) {
	if r.Secrets > beat.Secrets && !f.newerSecrets.Swap(true) {
		f.Logger.Info("another server has newer secrets; cookies that do not open here are left alone until this one starts anew",
			"own_ordinal", beat.Secrets, "greatest_ordinal", r.Secrets)
	}
}

// NewerSecrets says whether a node with a greater ordinal of secrets has been
// heard of: then a cookie that does not open here may be good there.
func (f *Follower) NewerSecrets() bool { return f.newerSecrets.Load() }

// heardOf says whether every living node whose secrets are older has looked
// since this one's first beat was committed: before that it would delete what
// this one seals. One that is silent is waited for until it refuses everything.
func (f *Follower) heardOf(r store.Round) bool {
	if f.firstBeat.IsZero() {
		f.firstBeat = r.DatabaseTime
	}
	return r.Unaware.IsZero() || r.Unaware.After(f.firstBeat)
}
