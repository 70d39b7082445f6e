package gatehouse

// What fills the types that are shown, for the tests that look for what must not
// be.
var (
	ProfileOf     = profileOf
	SessionInfoOf = sessionInfoOf
	APIKeyInfoOf  = apiKeyInfoOf
)

// LimitsState says how many servers share the limits, and whether this one
// counts by itself.
func (g *Gatehouse) LimitsState() (servers int, away bool) {
	return int(g.rooms.limits.nodes.Load()), g.rooms.limits.away()
}
