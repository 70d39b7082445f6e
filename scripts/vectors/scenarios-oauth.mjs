// Signing in at an outside source: OAuth 2 with checks pkce and state, OpenID Connect with nonce beside them.

export function oauth(v) {
  const { p } = v
  const start = (query = "", more = {}) => v.fetchForm(`/signin/${p.oauth.id}${query}`, { csrfToken: "{{csrfToken}}", callbackUrl: v.after }, { capture: [ofUrl("state")], ...more })
  const steps = { start, back: (over = {}, more = {}) => back(v, over, more) }
  sealedSessions(v, steps)
  linking(v, steps)
  openID(v, steps)
}

const ofUrl = (query) => ({ variable: query, from: "json", member: "url", query })

/** The browser comes back from the upstream with a code and the state. */
function back(v, over, more) {
  const query = new URLSearchParams({ code: v.p.oauth.code, ...over })
  const state = over.state === undefined ? "&state={{state}}" : ""
  return v.get(`/callback/${v.p.oauth.id}?${query}${state}`, { note: "back from the upstream", ...more })
}

function sealedSessions(v, { start, back }) {
  const { p, scenario, csrf, names } = v
  const inputs = (more = {}) => ({ providers: [v.providers.credentials, v.providers.oauth], upstream: { profile: p.oauth.profile, token: p.oauth.token }, ...more })
  const forget = (name) => ({ cookies: [{ name, remove: true }] })

  scenario("oauth-jwt-success", inputs(), [csrf(), start(), back(), v.session()])
  scenario("oauth-start-with-authorization-params", inputs(), [csrf(), start(p.oauth.startQuery)])
  scenario("oauth-state-mismatch", inputs(), [csrf(), start(), back({ state: "wrong" })])
  scenario("oauth-state-cookie-missing", inputs(), [csrf(), start(), back({}, forget(names().state))])
  scenario("oauth-pkce-cookie-missing", inputs(), [csrf(), start(), back({}, forget(names().pkce))])
  scenario("oauth-state-cookie-too-old", inputs(), [csrf(), start(), back({}, { after: 915 })])
  scenario("oauth-upstream-error", inputs(), [csrf(), start(), back({ error: "access_denied", error_description: "user said no" })])
  scenario("oauth-access-denied-by-callback", inputs({ hooks: { signIn: { return: false } } }), [csrf(), start(), back()])
  scenario("oauth-no-csrf", inputs(), [start("", { form: { callbackUrl: v.after, ...v.json.form }, capture: [] })])
}

function linking(v, { start, back }) {
  const { p, scenario, csrf, names, at } = v
  const { user, second, sessionToken } = p.database
  const providerAccountId = String(p.oauth.profile[p.oauth.profileMembers.id])
  const account = (userId) => ({ userId, provider: p.oauth.id, providerAccountId, type: "oauth" })
  const session = { sessionToken, userId: user.id, expires: at(v.day) }
  const sameEmail = { ...user, email: p.oauth.profile[p.oauth.profileMembers.email].toLowerCase() }
  const inputs = (database, more = {}) => ({ providers: [v.providers.credentials, v.providers.email, v.providers.oauth], upstream: { profile: p.oauth.profile, token: p.oauth.token }, database, ...more })
  const trusting = { ...v.providers.oauth, allowDangerousEmailAccountLinking: true }
  const signedIn = csrf({ cookies: [{ name: names().session, value: sessionToken }] })

  scenario("oauth-database-new-user", inputs({}, { pages: { newUser: p.pages.newUserWithQuery } }), [csrf(), start(), back(), v.session()])
  scenario("oauth-database-known-account", inputs({ users: [user], accounts: [account(user.id)] }), [csrf(), start(), back()])
  scenario("oauth-email-already-used", inputs({ users: [sameEmail] }), [csrf(), start(), back()])
  scenario("oauth-email-already-used-dangerous-linking", inputs({ users: [sameEmail] }, { providers: [v.providers.credentials, v.providers.email, trusting] }), [csrf(), start(), back()])
  scenario("oauth-link-to-signed-in-user", inputs({ users: [user], sessions: [session] }), [signedIn, start(), back()])
  scenario("oauth-account-of-another-user", inputs({ users: [user, second], accounts: [account(second.id)], sessions: [session] }), [signedIn, start(), back()])
}

function openID(v, { start, back }) {
  const { p, scenario, csrf, names } = v
  const claims = { iss: "<upstream>", aud: p.oauth.clientId, ...p.oauth.idToken, nonce: "{{nonce}}" }
  const token = { access_token: p.oauth.token.access_token, token_type: "Bearer", expires_in: 3600 }
  const good = { claims, issuedAt: 0, expires: 300, signedBy: "published" }
  const play = (name, idToken, more = {}) => {
    const begin = start("", { capture: [ofUrl("state"), ofUrl("nonce")] })
    const end = back({}, { ...more.back })
    scenario(name, { providers: [v.providers.credentials, v.providers.oidc], upstream: { token, idToken } }, [csrf(), begin, end, ...(more.then ?? [])], more.why ? { why: more.why } : {})
  }
  const { nonce: _, ...withoutNonce } = claims

  play("oidc-success", good, { then: [v.session()] })
  play("oidc-nonce-differs", { ...good, claims: { ...claims, nonce: "other" } })
  play("oidc-nonce-absent", { ...good, claims: withoutNonce })
  play("oidc-nonce-cookie-missing", good, { back: { cookies: [{ name: names().nonce, remove: true }] } })
  play("oidc-wrong-audience", { ...good, claims: { ...claims, aud: "someone" } })
  play("oidc-wrong-issuer", { ...good, claims: { ...claims, iss: "https://other.example" } })
  for (const late of [5, 15, 29, 31]) play(`oidc-expired-${late}s-ago`, { ...good, issuedAt: -400, expires: -late })
  const trusted = { headers: { location: `${p.origin}${p.basePath}/error?error=Configuration` }, why: "v5 takes an id_token from the token endpoint without checking its signature; a careful server refuses it" }
  play("oidc-bad-signature", { ...good, signedBy: "stranger" }, v.dialectName === "v5" ? { back: { mayDiffer: trusted } } : {})
  play("oidc-no-id-token", null)
}
