// Turns the `inputs` of a sequence into the packages' options. This is the only way in: what a
// handler knew while it was recorded is in the sequence, or it did not know it.
import { CredentialsSignin } from "@auth/core/errors"
import passkey from "@auth/core/providers/passkey"

const silent = { error() {}, warn() {}, debug() {} }

/** The text of a padding rule: seed and a running number and a semicolon, repeated, cut to length. */
export function padding({ seed, length }) {
  let text = ""
  for (let i = 0; text.length < length; i++) text += `${seed}${i};`
  return text.slice(0, length)
}

function refusal({ kind, message, code }) {
  if (kind === "error") return new Error(message)
  return Object.assign(new CredentialsSignin(), { code })
}

function credentials(provider, { users, throws }) {
  const [identifier, secret] = provider.fields.map((field) => field.name)
  return {
    id: provider.id,
    name: provider.name,
    type: "credentials",
    credentials: Object.fromEntries(provider.fields.map(({ name, label, type }) => [name, { label, type }])),
    authorize(given) {
      const thrower = throws.find((one) => one.username === given?.[identifier])
      if (thrower) throw refusal(thrower)
      const known = users.find((one) => one.username === given?.[identifier] && one.password === given?.[secret])
      return known ? { ...known.user } : null
    },
  }
}

function email(provider, mailbox) {
  const { id, name, from, maxAge } = provider
  return { id, name, from, maxAge, type: "email", options: {}, sendVerificationRequest: ({ identifier, url, expires }) => void mailbox.push({ identifier, url, expires: expires.toISOString() }) }
}

function federated(provider, dialect, base) {
  const at = (text) => text.replace("<upstream>", base)
  const { id, name, type, clientId, clientSecret, checks, scope, profile: members } = provider
  const common = {
    id, name, type, clientId, clientSecret, checks,
    profile: (claims) => Object.fromEntries(Object.entries(members).map(([ours, theirs]) => [ours, ours === "id" ? String(claims[theirs]) : claims[theirs]])),
    ...(provider.allowDangerousEmailAccountLinking ? { allowDangerousEmailAccountLinking: true } : {}),
  }
  if (provider.issuer && dialect === "v4") return { ...common, wellKnown: `${at(provider.issuer)}/.well-known/openid-configuration`, idToken: true, authorization: { params: { scope } } }
  if (provider.issuer) return { ...common, issuer: at(provider.issuer), authorization: { params: { scope } } }
  return { ...common, authorization: { url: at(provider.authorizationUrl), params: { scope } }, token: { url: at(provider.tokenUrl) }, userinfo: { url: at(provider.userinfoUrl) } }
}

function callbacks({ signIn, jwt }) {
  const out = {}
  if (signIn) {
    out.signIn = () => {
      if (signIn.throw !== undefined) throw new Error(signIn.throw)
      return signIn.return
    }
  }
  if (jwt) {
    out.jwt = ({ token, trigger, session }) => {
      if (jwt.returnNull) return null
      const next = { ...token }
      for (const pad of jwt.add ?? []) next[pad.claim] = padding(pad)
      if (trigger === "update") for (const name of jwt.copyOnUpdate ?? []) if (session?.[name]) next[name] = session[name]
      return next
    }
  }
  return out
}

/** Options for the packages. `database` and `upstream` are null where the inputs have none. */
export function optionsFor(inputs, { database, upstream, mailbox }) {
  const providers = inputs.providers.map((provider) => {
    if (provider.type === "credentials") return credentials(provider, inputs)
    if (provider.type === "email") return email(provider, mailbox)
    if (provider.type === "webauthn") return passkey({ id: provider.id, name: provider.name })
    return federated(provider, inputs.dialect, upstream.url)
  })
  return {
    secret: inputs.secret,
    logger: silent,
    providers,
    session: { ...inputs.session },
    jwt: { maxAge: inputs.jwtMaxAge },
    pages: { ...inputs.pages },
    callbacks: callbacks(inputs.hooks),
    ...(database ? { adapter: database.adapter } : {}),
    ...(inputs.dialect === "v5" ? { trustHost: inputs.trustHost } : {}),
    ...(inputs.providers.some((provider) => provider.type === "webauthn") ? { experimental: { enableWebAuthn: true } } : {}),
  }
}
