// What is sealed in the cookies of an answer.
import assert from "node:assert/strict"
import { mask } from "./patterns.mjs"

// v5 seals some values twice; the inner token has a salt of its own.
const innerSalts = { state: "encodedState", challenge: "encodedWebauthnChallenge" }

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/

/** Decodes one token and splits off iat, exp and jti, which are random or follow from the clock. */
async function open(dialect, secret, token, salt, names) {
  const { iat, exp, jti, ...claims } = await dialect.decode({ token, secret, salt })
  assert.match(jti, uuid)
  const inner = Object.entries(innerSalts).find(([name]) => names.includes(name))?.[1]
  const nested = inner && /^eyJ/.test(claims.value ?? "") ? await open(dialect, secret, claims.value, inner, []) : undefined
  const shown = {}
  for (const [name, value] of Object.entries(mask(claims))) {
    const isSecret = ["value", "random", "challenge"].includes(name) && typeof value === "string" && /^[\w-]+$/.test(value)
    shown[name] = isSecret ? (value.length === 43 ? "<random43>" : "<random>") : value
  }
  return { salt, claims: shown, issuedAt: iat, lifetime: exp - iat, ...(nested ? { nested } : {}) }
}

/**
 * Lists the tokens that an answer sets, chunks joined. `set` holds {name, value} with decoded values
 * in the order of the Set-Cookie lines; deletions are left out by their empty value.
 */
export async function tokensOf(dialect, { names, secret, set }) {
  const whole = new Map()
  for (const { name, value } of set) {
    const chunk = name.startsWith(`${names.session}.`) ? Number(name.slice(names.session.length + 1)) : undefined
    const cookie = chunk === undefined ? name : names.session
    if (value === "") continue
    const parts = whole.get(cookie) ?? []
    parts.push({ value, chunk })
    whole.set(cookie, parts)
  }
  const tokens = []
  for (const [cookie, parts] of whole) {
    parts.sort((a, b) => (a.chunk ?? 0) - (b.chunk ?? 0))
    const text = parts.map((part) => part.value).join("")
    if (!/^eyJ[\w-]+\.\.?[\w-]*\./.test(text)) continue
    const kinds = Object.keys(names).filter((kind) => names[kind] === cookie)
    const salt = cookie === names.session ? dialect.sessionSalt(cookie) : cookie
    tokens.push({ cookie, ...(parts[0].chunk === undefined ? {} : { chunks: parts.map((part) => part.value.length) }), ...(await open(dialect, secret, text, salt, kinds)) })
  }
  return tokens
}
