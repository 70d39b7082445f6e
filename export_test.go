package gatehouse

// What fills the types that are shown, for the tests that look for what must not
// be.
var (
	ProfileOf     = profileOf
	SessionInfoOf = sessionInfoOf
	APIKeyInfoOf  = apiKeyInfoOf
)
