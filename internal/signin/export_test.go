package signin

import "github.com/gatehouse-auth/gatehouse/auth"

// UserKey names the run of an account, for tests that read the counter.
func (t Throttle) UserKey(id auth.UserID) string { return t.runs(string(id)).account }
