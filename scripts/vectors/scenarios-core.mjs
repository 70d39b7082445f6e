// Credentials sign-in, sealed sessions, CSRF, callback URLs, pages: what needs no database.

export function core(v) {
  session(v)
  signIn(v)
  signInHooks(v)
  callbackUrls(v)
  pages(v)
  signOut(v)
  update(v)
  refused(v)
  if (v.dialectName === "v5") onlyV5(v)
}

function session(v) {
  const { p, scenario, get, csrf, names, sealed } = v
  const cookie = names().session
  const upstream = { profile: p.oauth.profile, token: p.oauth.token }
  const wantsJSON = { headers: { "Content-Type": "application/json" } }

  scenario("providers", { providers: [v.providers.credentials, v.providers.oauth], upstream }, [get("/providers", wantsJSON)])
  scenario("providers-credentials-only", {}, [get("/providers", wantsJSON)])
  scenario("csrf-first-and-repeat", {}, [csrf(), csrf()])
  scenario("csrf-bad-cookie-is-replaced", {}, [get("/csrf", { cookies: [{ name: names().csrf, value: `${"a".repeat(64)}|${"b".repeat(64)}` }] })])
  scenario("csrf-secure", { origin: p.secureOrigin }, [csrf()])
  scenario("session-none", {}, [v.session(wantsJSON)])
  scenario("session-invalid-token-is-cleared", {}, [v.session({ cookies: [{ name: cookie, value: "not-a-token" }] })])
  scenario("session-invalid-chunks-are-cleared", {}, [v.session({ cookies: [{ name: `${cookie}.0`, value: "aaaa" }, { name: `${cookie}.1`, value: "bbbb" }] })])
  scenario("session-expired-token-is-cleared", {}, [v.session({ cookies: [sealed({ name: p.fullClaims.name, sub: p.fullClaims.sub }, { seal: { maxAge: 60, issuedAt: p.now - 3600 } })] })])
  scenario("session-expired-within-tolerance", {}, [v.session({ cookies: [sealed({ name: p.fullClaims.name, sub: p.fullClaims.sub }, { seal: { maxAge: 60, issuedAt: p.now - 70 } })] })], { why: "the reader tolerates 15 seconds" })
  scenario("session-from-token", {}, [v.session({ cookies: [sealed(p.fullClaims)] })])
  scenario("session-from-token-secure", { origin: p.secureOrigin }, [v.session({ cookies: [sealed(p.fullClaims, { origin: p.secureOrigin })] })])
  scenario("session-from-token-missing-claims", {}, [v.session({ cookies: [sealed(p.sparseClaims)] })])
  scenario("session-from-token-unicode", {}, [v.session({ cookies: [sealed({ name: p.unicodeName, sub: p.fullClaims.sub })] })])
  scenario("session-large-token-becomes-chunks", { hooks: { jwt: { add: [p.padding] } } }, [v.session({ cookies: [sealed({ name: p.fullClaims.name, sub: p.fullClaims.sub })] }), v.session()])
  scenario("session-max-age-option", { session: p.session }, [v.session({ cookies: [sealed({ name: p.fullClaims.name, sub: p.fullClaims.sub })] })])
  scenario("session-rolls-forward", {}, [csrf(), v.signIn(), v.session({ after: 3600 }), v.session({ after: 20 * v.day }), v.session({ after: 49 * v.day }), v.session({ after: 80 * v.day })], { why: "each GET moves the end; a session left alone for longer than its life is gone" })
}

function signIn(v) {
  const { p, scenario, csrf, signIn, signInPlainly } = v
  scenario("credentials-success", {}, [csrf(), signIn(), v.session()])
  scenario("credentials-success-second-user", {}, [csrf(), signIn(p.users[1]), v.session()])
  scenario("credentials-success-secure", { origin: p.secureOrigin }, [csrf(), signIn({ callbackUrl: p.secureOrigin + p.homePath }), v.session()])
  scenario("credentials-success-plain-form", {}, [csrf(), signInPlainly()], { why: "an ordinary browser form: nobody asks for JSON" })
  scenario("credentials-success-json-body", {}, [csrf(), v.post(v.credentialsPath, { headers: v.json.headers, json: { ...v.fields(), ...v.json.form } })], { why: "a JSON body in place of a form" })
  scenario("credentials-success-replaces-session", {}, [csrf(), signIn(), signIn(p.users[1]), v.session()], { why: "signed in twice: the later user counts" })
  scenario("credentials-wrong-password", {}, [csrf(), signIn({ password: p.wrongPassword })])
  scenario("credentials-wrong-password-plain-form", {}, [csrf(), signInPlainly({ password: p.wrongPassword })])
  scenario("credentials-unknown-user", {}, [csrf(), signIn({ username: p.unknownUsername })])
  scenario("credentials-wrong-then-right", {}, [csrf(), signIn({ password: p.wrongPassword }), signIn(), v.session()])
  scenario("credentials-authorize-throws", {}, [csrf(), signIn({ username: p.throws.error.username })])
  scenario("credentials-csrf-missing", {}, [csrf(), signIn({ csrfToken: "" })])
  scenario("credentials-csrf-wrong", {}, [csrf(), signIn({ csrfToken: "0".repeat(64) })])
  scenario("credentials-csrf-wrong-plain-form", {}, [csrf(), signInPlainly({ csrfToken: "0".repeat(64) })])
  scenario("credentials-csrf-no-cookie", {}, [signIn({ csrfToken: "0".repeat(64) })])
  scenario("credentials-get-is-refused", {}, [v.get(v.credentialsPath)])
  scenario("credentials-jwt-strategy-with-max-age", { session: { strategy: "jwt", maxAge: p.shortMaxAge } }, [csrf(), signIn()])
  scenario("credentials-jwt-max-age", { jwtMaxAge: p.jwtMaxAge }, [csrf(), signIn(), v.session()], { why: "the life of the sealed token and that of the cookie are two settings" })
  if (v.dialectName === "v4") scenario("credentials-json-boolean-flag", {}, [csrf(), v.post(v.credentialsPath, { json: { ...v.fields(), json: true } })], { why: "only the text true asks for JSON" })
}

function signInHooks(v) {
  const { p, scenario, csrf, signIn, signInPlainly } = v
  const relative = { json: { url: p.origin + p.blocked }, why: "a relative url makes the client's redirect:false mode throw; a careful server sends an absolute one" }
  scenario("credentials-sign-in-callback-false", { hooks: { signIn: { return: false } } }, [csrf(), signIn()])
  scenario("credentials-sign-in-callback-false-plain-form", { hooks: { signIn: { return: false } } }, [csrf(), signInPlainly()])
  scenario("credentials-sign-in-callback-string", { hooks: { signIn: { return: p.blocked } } }, [csrf(), signIn({}, v.dialectName === "v4" ? { mayDiffer: relative } : {})])
  scenario("credentials-sign-in-callback-throws", { hooks: { signIn: { throw: p.refusal } } }, [csrf(), signIn()])
}

function callbackUrls(v) {
  const { p, scenario, get, csrf, signIn, names } = v
  const encoded = encodeURIComponent
  scenario("credentials-foreign-callback-url", {}, [csrf(), signIn({ callbackUrl: p.foreignUrl })])
  scenario("credentials-relative-callback-url", {}, [csrf(), signIn({ callbackUrl: p.relativeUrl })])
  scenario("credentials-no-callback-url-uses-cookie", {}, [get(`/signin?callbackUrl=${encoded(p.rememberedPath)}`), csrf(), signIn({ callbackUrl: null })])
  scenario("callback-url-query-replaces-cookie", {}, [get(`/csrf?callbackUrl=${encoded(p.rememberedPath)}`), get(`/csrf?callbackUrl=${encoded(p.foreignUrl)}`), get(`/csrf?callbackUrl=${encoded(p.relativeUrl)}`), csrf()])
  scenario("bad-callback-url-parameter", {}, p.badUrls.flatMap((url) => [get(`/signin?callbackUrl=${encoded(url)}`), get(`/csrf?callbackUrl=${encoded(url)}`)]))
  scenario("bad-callback-url-cookie", {}, [v.session({ cookies: [{ name: names().callbackUrl, value: p.badUrls[0] }] })])
}

function pages(v) {
  const { p, scenario, get, csrf, signIn } = v
  const { signIn: enter, signOut: leave, error, errorWithQuery, verifyRequest, newUser } = p.pages
  scenario("custom-pages-wrong-password", { pages: { signIn: enter, signOut: leave, error, verifyRequest, newUser } }, [csrf(), signIn({ password: p.wrongPassword })])
  scenario("custom-pages-get", { pages: { signIn: enter, signOut: leave, error: errorWithQuery, verifyRequest } }, [
    get(`/signin?callbackUrl=${encodeURIComponent(p.rememberedPath)}`),
    get("/signin?error=OAuthSignin"),
    get("/signout"),
    get("/error?error=AccessDenied"),
    get("/error?error=OAuthSignin"),
    get("/error?error=CredentialsSignin"),
    get("/verify-request?provider=email&type=email"),
  ])
  scenario("custom-pages-bad-callback-url", { pages: { signIn: enter, error } }, [
    get(`/signin?callbackUrl=${encodeURIComponent(p.badUrls[0])}`),
    get(`/session?callbackUrl=${encodeURIComponent(p.badUrls[0])}`),
  ])
  scenario("default-pages-get-credentials", {}, defaultPages(v))
  scenario("base-path", { basePath: p.otherBasePath }, [
    get("/providers", { basePath: p.otherBasePath }),
    csrf({ basePath: p.otherBasePath }),
    signIn({}, { basePath: p.otherBasePath }),
    signIn({ password: p.wrongPassword }, { basePath: p.otherBasePath }),
    v.session({ basePath: p.otherBasePath }),
    v.signOut({}, { basePath: p.otherBasePath }),
  ])
}

/** Every built-in page once. */
export function defaultPages(v) {
  const tails = ["signin", "signin?error=CredentialsSignin", "signout", "verify-request", "error", "error?error=Configuration", "error?error=AccessDenied", "error?error=Verification", "error?error=OAuthAccountNotLinked", "error?error=CredentialsSignin", "error?error=whatever"]
  return tails.map((tail) => v.get(`/${tail}`))
}

function signOut(v) {
  const { p, scenario, csrf, signIn } = v
  scenario("sign-out", {}, [csrf(), signIn(), v.signOut(), v.session()])
  scenario("sign-out-plain-form", {}, [csrf(), signIn(), v.post("/signout", { form: { csrfToken: "{{csrfToken}}" } })])
  scenario("sign-out-no-session", {}, [csrf(), v.signOut()])
  scenario("sign-out-bad-csrf", {}, [csrf(), signIn(), v.signOut({ csrfToken: "x" }), v.session()])
  scenario("sign-out-invalid-session", {}, [csrf({ cookies: [{ name: v.names().session, value: "not-a-token" }] }), v.signOut()])
  scenario("sign-out-chunked-session", { hooks: { jwt: { add: [p.padding] } } }, [csrf(), signIn(), v.signOut(), v.session()], { why: "every chunk is deleted" })
}

function update(v) {
  const { p, scenario, csrf, signIn } = v
  const hooks = { jwt: { copyOnUpdate: ["name"] } }
  scenario("session-update", { hooks }, [csrf(), signIn(), v.update({ name: p.rename }), v.session()])
  scenario("session-update-ignores-other-fields", { hooks }, [csrf(), signIn(), v.update({ name: p.rename, sub: "9", email: "x@example.test", role: "admin" }), v.session()], { why: "only what the hook copies changes" })
  scenario("session-update-without-data", { hooks }, [csrf(), signIn(), v.update(undefined), v.session()])
  scenario("session-update-without-hook", {}, [csrf(), signIn(), v.update({ name: p.rename }), v.session()])
  scenario("session-update-bad-csrf", { hooks }, [csrf(), signIn(), v.update({ name: p.rename }, { csrfToken: "nope" }), v.session()])
  scenario("session-update-signed-out", { hooks }, [csrf(), v.update({})])
}

function refused(v) {
  const { scenario, get, post, csrf } = v
  const form = (more = {}) => ({ csrfToken: "{{csrfToken}}", callbackUrl: v.after, ...more })
  scenario("log", {}, [post("/_log", { form: { level: "error", code: "CLIENT_FETCH_ERROR", message: "m", client: "true" } })])
  scenario("unknown-action", {}, [get("/nothing"), post("/providers", { form: { a: "b" } }), get(`/signin/${v.p.credentials.id}`), get("/a/b/c"), { ...get("/session"), method: "PUT" }, { ...get("/session"), method: "DELETE" }])
  scenario("unknown-provider", {}, [csrf(), v.fetchForm("/signin/nobody", form()), get("/callback/nobody")])
  scenario("sign-in-post-no-provider", {}, [csrf(), v.fetchForm("/signin", form())])
  scenario("sign-in-post-credentials", {}, [csrf(), v.fetchForm(`/signin/${v.p.credentials.id}`, form())], { why: "credentials sign in at the callback address, not here" })
}

function onlyV5(v) {
  const { p, scenario, get, csrf, signIn, signInPlainly, sealed } = v
  scenario("untrusted-host", { trustHost: false }, [
    v.session({ mayDiffer: { why: "a server with a configured origin never asks the host" } }),
    get("/signin", { mayDiffer: { why: "a server with a configured origin never asks the host" } }),
  ])
  scenario("secret-array", { secret: p.secrets }, [csrf(), signIn(), v.session()])
  scenario("secret-array-old-token", { secret: p.secrets }, [v.session({ cookies: [sealed(p.fullClaims, { seal: { secret: p.secrets.at(-1) } })] }), v.session()], { why: "sealed with the last secret, sealed anew with the first" })
  scenario("credentials-custom-code", {}, [csrf(), signIn({ username: p.throws.coded.username }), signInPlainly({ username: p.throws.coded.username })])
  scenario("jwt-callback-null-clears", { hooks: { jwt: { returnNull: true } } }, [v.session({ cookies: [sealed(p.fullClaims)] })])
}
