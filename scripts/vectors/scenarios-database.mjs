// Sequences that need rows: the database strategy, e-mail links and passkeys.
import { defaultPages } from "./scenarios-core.mjs"

export function database(v) {
  rows(v)
  mail(v)
  if (v.dialectName === "v5") passkeys(v)
}

function rows(v) {
  const { p, scenario, csrf, names, at } = v
  const { user, sessionToken, unknownSessionToken } = p.database
  const cookie = (value = sessionToken) => ({ cookies: [{ name: names().session, value }] })
  // The packages refuse the database strategy when credentials are the only provider.
  const providers = [v.providers.credentials, v.providers.email]
  const withSession = (end) => ({ providers, database: { users: [user], sessions: [{ sessionToken, userId: user.id, expires: at(end) }] } })

  const upstream = { profile: p.oauth.profile, token: p.oauth.token }
  scenario("default-pages-get", { providers: [...providers, v.providers.oauth], database: {}, session: { strategy: "jwt" }, upstream }, defaultPages(v))
  scenario("database-session-fresh", withSession(v.month - 3600), [v.session(cookie())])
  scenario("database-session-due-for-update", withSession(v.month - v.day), [v.session(cookie())])
  scenario("database-session-expired", withSession(-1), [v.session(cookie())])
  scenario("database-session-unknown", { providers, database: { users: [user] } }, [v.session(cookie(unknownSessionToken))])
  scenario("database-session-update-post", withSession(v.month - 3600), [csrf(), v.update({ a: 1 }, {}, cookie())])
  scenario("database-sign-out", withSession(v.day), [csrf(), v.signOut({}, cookie())])
}

function mail(v) {
  const { p, scenario, csrf, get } = v
  const { user } = p.database
  const providers = [v.providers.credentials, v.providers.email]
  const token = { variable: "mailToken", from: "mail", member: "url", query: "token" }
  const ask = (email, more = {}) => v.fetchForm(`/signin/${p.email.id}`, { email, csrfToken: "{{csrfToken}}", callbackUrl: v.after }, more)
  const asked = (email) => ask(email, { capture: [token] })
  const follow = (email, more = {}) => {
    const query = new URLSearchParams({ callbackUrl: v.after, token: "TOKEN", email })
    if (more.withoutToken) query.delete("token")
    return get(`/callback/${p.email.id}?${query.toString().replace("TOKEN", "{{mailToken}}")}`, { note: "the link of the mail", ...more })
  }
  const { plain } = p.email

  scenario("email-new-user-database", { providers, database: {} }, [csrf(), asked(p.email.asTyped), follow(p.email.normalised), v.session()])
  scenario("email-new-user-jwt", { providers, database: {}, session: { strategy: "jwt" }, pages: { newUser: p.pages.newUser } }, [csrf(), asked(plain), follow(plain)])
  scenario("email-existing-user", { providers, database: { users: [user] } }, [csrf(), asked(user.email), follow(user.email), follow(user.email, { note: "the same link again" })])
  scenario("email-wrong-address-in-link", { providers, database: {} }, [csrf(), asked(plain), follow(p.email.other, { note: "the link with another address" })])
  scenario("email-token-missing", { providers, database: {} }, [csrf(), ask(plain), follow(plain, { note: "the link without its token", withoutToken: true })])
  scenario("email-expired", { providers, database: {} }, [csrf(), asked(plain), follow(plain, { after: p.email.maxAge + 1 })])
  scenario("email-no-address", { providers, database: {} }, [csrf(), ask("")])
  scenario("email-refused-by-callback", { providers, database: {}, hooks: { signIn: { return: false } } }, [csrf(), ask(plain)])
}

function passkeys(v) {
  const { p, scenario, csrf, get, names, at } = v
  const { user, sessionToken, authenticator } = p.database
  const id = p.passkey.id
  const providers = [v.providers.webauthn]
  const known = { users: [user], authenticators: [authenticator] }
  const options = (query = "", more = {}) => get(`/webauthn-options/${id}${query}`, more)
  const mailOf = (email) => `email=${encodeURIComponent(email)}`
  const answer = (form) => v.post(`/callback/${id}`, { headers: v.json.headers, form: { csrfToken: "{{csrfToken}}", callbackUrl: v.after, ...form } })
  const data = (credential) => ({ action: "authenticate", data: JSON.stringify(credential) })

  scenario("webauthn-options", { providers, database: known }, [
    options(),
    options("?action=authenticate"),
    options(`?${mailOf(user.email)}`),
    options(`?${mailOf(p.email.fresh)}`),
    options(`?action=register&${mailOf(p.email.fresh)}`),
    options(`?action=register&${mailOf(user.email)}`),
    options("?action=register"),
    options("?action=other"),
  ])
  scenario("webauthn-options-signed-in", { providers, database: { ...known, sessions: [{ sessionToken, userId: user.id, expires: at(v.day) }] } }, [
    options("", { cookies: [{ name: names().session, value: sessionToken }] }),
    options("?action=register"),
    options("?action=authenticate"),
  ])
  scenario("webauthn-callback-errors", { providers, database: known }, [
    csrf(),
    answer({}),
    answer({ action: "authenticate" }),
    answer(data({ id: "unknown" })),
    answer(data({ id: authenticator.credentialID })),
    options("?action=authenticate"),
    answer(data({ id: authenticator.credentialID, rawId: authenticator.credentialID, type: "public-key", response: {} })),
  ])
}
