// The words scenarios are written in: complete inputs for a dialect, and the steps a browser takes.
import { dialects } from "./dialect.mjs"

const month = 30 * 86400
const day = 86400

/** What a replayer must have before it can replay a sequence, by provider type or feature. */
export const needs = {
  credentials: "a credentials provider is configured",
  email: "an e-mail (magic link) provider is configured",
  oauth: "an OAuth provider is configured",
  oidc: "an OpenID Connect provider is configured",
  webauthn: "a passkey provider is configured",
  database: "rows of users, accounts and sessions behind the library's adapter interface",
  "database-strategy": "sessions are rows and the cookie holds their token",
  "untrusted-host": "the library is told not to trust the host, and refuses everything",
}

/** Binds the vocabulary to one profile and one dialect. */
export function vocabulary(profile, dialectName) {
  const p = profile
  const dialect = dialects[dialectName]
  const json = dialect.wantsJSON

  const providers = {
    credentials: { ...p.credentials, type: "credentials" },
    email: { id: p.email.id, name: p.email.name, type: "email", from: p.email.from, maxAge: p.email.maxAge },
    oauth: {
      id: p.oauth.id, name: p.oauth.name, type: "oauth",
      clientId: p.oauth.clientId, clientSecret: p.oauth.clientSecret, checks: ["pkce", "state"], scope: p.oauth.scope,
      authorizationUrl: "<upstream>/authorize", tokenUrl: "<upstream>/token", userinfoUrl: "<upstream>/userinfo",
      profile: p.oauth.profileMembers,
    },
    // v4 knows no type of its own for OpenID Connect.
    oidc: {
      id: p.oauth.id, name: p.oauth.name, type: dialectName === "v4" ? "oauth" : "oidc",
      clientId: p.oauth.clientId, clientSecret: p.oauth.clientSecret, checks: ["nonce", "pkce", "state"], scope: p.oauth.oidcScope,
      issuer: "<upstream>",
      profile: p.oauth.idTokenMembers,
    },
    webauthn: { id: p.passkey.id, name: p.passkey.name, type: "webauthn" },
  }

  /** Complete inputs: every default of the packages is written out, so a reader needs to know none. */
  function inputs(over = {}) {
    const session = { strategy: over.database ? "database" : "jwt", maxAge: month, updateAge: day, ...over.session }
    return {
      dialect: dialectName,
      origin: p.origin,
      basePath: p.basePath,
      secret: p.secret,
      trustHost: true,
      jwtMaxAge: dialect.defaultJWTMaxAge(session.maxAge),
      pages: {},
      users: p.users,
      throws: [
        { username: p.throws.error.username, kind: "error", message: p.throws.error.message },
        ...(dialectName === "v5" ? [{ username: p.throws.coded.username, kind: "credentialsSignin", code: p.throws.coded.code }] : []),
      ],
      hooks: {},
      ...over,
      session,
      providers: over.providers ?? [providers.credentials],
    }
  }

  function needsOf(given) {
    const out = given.providers.map((provider) => (provider.issuer ? "oidc" : provider.type))
    if (given.database) out.push("database")
    if (given.session.strategy === "database") out.push("database-strategy")
    if (!given.trustHost) out.push("untrusted-host")
    return out
  }

  const queue = []
  /** Adds a scenario. `more` may carry `why`. */
  function scenario(name, over, steps, more = {}) {
    const complete = inputs(over)
    queue.push({ name, inputs: complete, needs: needsOf(complete), steps, ...more })
  }

  const base = (path, basePath = p.basePath) => basePath + path
  const get = (path, more = {}) => ({ method: "GET", path: base(path, more.basePath), ...more })
  const post = (path, more = {}) => ({ method: "POST", path: base(path, more.basePath), ...more })
  /** A form of a client that asks for JSON in place of a redirect. */
  const fetchForm = (path, form, more = {}) => post(path, { headers: json.headers, form: { ...form, ...json.form }, ...more })

  const csrfToken = { variable: "csrfToken", from: "json", member: "csrfToken" }
  const csrf = (more = {}) => get("/csrf", { headers: { "Content-Type": "application/json" }, capture: [csrfToken], ...more })
  const session = (more = {}) => get("/session", more)

  const names = (origin = p.origin) => dialect.names(origin)
  const after = p.origin + p.afterPath
  const [identifier, password] = p.credentials.fields.map((field) => field.name)
  const fields = (over = {}) => ({ [identifier]: over.username ?? p.users[0].username, [password]: over.password ?? p.users[0].password, csrfToken: over.csrfToken ?? "{{csrfToken}}", ...(over.callbackUrl === null ? {} : { callbackUrl: over.callbackUrl ?? after }) })
  const credentialsPath = `/callback/${p.credentials.id}`

  return {
    p, dialectName, providers, queue, scenario, inputs, get, post, fetchForm, csrf, session, csrfToken, names, after, json,
    /** A sign-in the way the browser client posts it. */
    signIn: (over = {}, more = {}) => fetchForm(credentialsPath, fields(over), more),
    /** A sign-in the way a plain page posts it. */
    signInPlainly: (over = {}, more = {}) => post(credentialsPath, { form: fields(over), ...more }),
    fields,
    credentialsPath,
    signOut: (over = {}, more = {}) => fetchForm("/signout", { csrfToken: "{{csrfToken}}", callbackUrl: after, ...over }, more),
    update: (data, over = {}, more = {}) => post("/session", { json: { csrfToken: "{{csrfToken}}", ...(data === undefined ? {} : { data }), ...over }, ...more }),
    /** A ready-made session cookie, sealed by the package. */
    sealed: (claims, over = {}) => ({ name: names(over.origin).session, seal: { claims, maxAge: p.tokenMaxAge, ...over.seal } }),
    /** ISO time a number of seconds after the beginning. */
    at: (seconds) => new Date((p.now + seconds) * 1000).toISOString(),
    month, day,
  }
}
