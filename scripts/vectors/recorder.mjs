// Plays a scenario against the real handler with a browser's cookie jar, and writes down what happened.
import assert from "node:assert/strict"
import { parseSetCookie } from "cookie"
import { atTime } from "./clock.mjs"
import { optionsFor } from "./configure.mjs"
import { openDatabase } from "./database.mjs"
import { dialects } from "./dialect.mjs"
import { fill, mask } from "./patterns.mjs"
import { tokensOf } from "./tokens.mjs"
import { startUpstream } from "./upstream.mjs"

const sentValue = (line) => line.slice(line.indexOf("=") + 1).split(";")[0]

const entities = { "&lt;": "<", "&gt;": ">", "&quot;": '"', "&#39;": "'", "&amp;": "&" }

/** Reads the forms of a page: what a browser would send, not how it looks. */
function forms(html) {
  const attribute = (tag, name) => new RegExp(`\\b${name}="([^"]*)"`).exec(tag)?.[1].replace(/&(?:lt|gt|quot|#39|amp);/g, (entity) => entities[entity])
  return [...html.matchAll(/<form\b([^>]*)>(.*?)<\/form>/gs)].map(([, tag, inside]) => ({
    action: attribute(tag, "action") ?? "",
    method: (attribute(tag, "method") ?? "GET").toUpperCase(),
    inputs: [...inside.matchAll(/<input\b[^>]*>/g)].filter(([input]) => attribute(input, "name")).map(([input]) => {
      const type = attribute(input, "type") ?? "text"
      return { name: attribute(input, "name"), type, ...(type === "hidden" ? { value: attribute(input, "value") ?? "" } : {}) }
    }),
  }))
}

export class Recording {
  constructor(inputs, now) {
    this.inputs = inputs
    this.start = now
    this.dialect = dialects[inputs.dialect]
    this.names = this.dialect.names(inputs.origin)
    this.jar = new Map()
    this.variables = {}
    this.mailbox = []
    this.secret = [inputs.secret].flat()
  }

  async open() {
    this.database = this.inputs.database ? openDatabase(this.inputs.database) : null
    this.upstream = this.inputs.upstream ? await startUpstream(this.inputs.upstream, (name) => this.variables[name]) : null
  }

  async close() {
    await this.upstream?.close()
  }

  /** Values with a name of their own, to be put back before random texts are masked. */
  known() {
    const out = {}
    if (this.upstream) out[this.upstream.url] = "<upstream>"
    if (this.variables.csrfToken) out[this.variables.csrfToken] = "{{csrfToken}}"
    return out
  }

  /** Puts the cookies that a step starts with into the jar; returns them as data. */
  async setCookies(cookies, now) {
    const shown = []
    for (const { name, value, remove, seal } of cookies) {
      if (remove) {
        this.jar.delete(name)
        shown.push({ name, remove: true })
        continue
      }
      if (!seal) {
        this.jar.set(name, value)
        shown.push({ name, value })
        continue
      }
      const { claims, maxAge, issuedAt = now, secret = this.secret[0] } = seal
      const salt = this.dialect.sessionSalt(name)
      const token = await atTime(issuedAt, () => this.dialect.encode({ token: claims, secret, salt, maxAge }))
      this.jar.set(name, token)
      shown.push({ name, value: token, seal: { claims, maxAge, issuedAt, secret, salt } })
    }
    return shown
  }

  async step(spec) {
    const now = this.start + (spec.after ?? 0)
    const setCookies = await this.setCookies(spec.cookies ?? [], now)
    const url = new URL(fill(spec.path, this.variables), this.inputs.origin)
    const sending = [...this.jar]
    const headers = Object.fromEntries(Object.entries(spec.headers ?? {}).map(([name, value]) => [name.toLowerCase(), value]))
    if (sending.length > 0) headers.cookie = sending.map(([name, value]) => `${name}=${encodeURIComponent(value)}`).join("; ")
    if (spec.form) headers["content-type"] = "application/x-www-form-urlencoded"
    if (spec.json !== undefined) headers["content-type"] = "application/json"

    const options = optionsFor(this.inputs, this)
    const { origin, basePath } = this.inputs
    const form = spec.form && fill(spec.form, this.variables)
    const json = spec.json === undefined ? undefined : fill(spec.json, this.variables)
    const mails = this.mailbox.length
    const answer = await atTime(now, () => this.dialect.call({ options, origin, basePath, method: spec.method, url, headers, form, json }))
    const response = await atTime(now, () => this.describe(answer))
    this.remember(answer)
    const sent = mask(this.mailbox.slice(mails), this.known())
    const upstreamSaw = this.upstream ? mask(this.upstream.seen(), this.known()).map(hideVerifier) : []
    const capture = this.capture(spec.capture ?? [], answer)

    return {
      ...(spec.note ? { note: spec.note } : {}),
      now,
      request: {
        method: spec.method,
        path: spec.path,
        ...(spec.headers && Object.keys(spec.headers).length > 0 ? { headers: spec.headers } : {}),
        ...(spec.form ? { form: spec.form } : {}),
        ...(spec.json !== undefined ? { json: spec.json } : {}),
        ...(setCookies.length > 0 ? { setCookies } : {}),
        cookiesSent: sending.map(([name]) => name),
      },
      response,
      ...(sent.length > 0 ? { mailed: sent } : {}),
      ...(upstreamSaw.length > 0 ? { upstreamSaw } : {}),
      ...(capture.length > 0 ? { capture } : {}),
      ...difference(spec, url, response),
    }
  }

  /** An answer as data. */
  async describe(answer) {
    const set = answer.setCookie.map((line) => ({ name: parseSetCookie(line).name, value: decodeURIComponent(sentValue(line)) }))
    const tokens = await tokensOf(this.dialect, { names: this.names, secret: this.inputs.secret, set })
    const out = {
      status: answer.status,
      headers: mask(answer.headers, this.known()),
      setCookie: answer.setCookie.map((line) => this.describeCookie(line)),
      ...(tokens.length > 0 ? { tokens } : {}),
    }
    if (answer.kind === "json") return { ...out, kind: "json", json: maskJSON(answer.body, this.known()) }
    if (answer.kind === "empty") return { ...out, kind: "empty" }
    if (answer.headers["content-type"]?.startsWith("text/html")) return { ...out, kind: "html", html: { forms: mask(forms(answer.body), this.known()) } }
    return { ...out, kind: "text", text: mask(answer.body, this.known()) }
  }

  describeCookie(line) {
    const cookie = parseSetCookie(line)
    const sent = sentValue(line)
    const chunk = cookie.name.startsWith(`${this.names.session}.`) && sent !== ""
    const hide = (text) => (chunk ? text.replace(sent, "<chunk>") : mask(text, this.known()))
    return {
      name: cookie.name,
      value: chunk ? "<chunk>" : hide(decodeURIComponent(sent)),
      ...(chunk ? { length: sent.length } : {}),
      attributes: {
        ...(cookie.maxAge === undefined ? {} : { maxAge: cookie.maxAge }),
        ...(cookie.domain === undefined ? {} : { domain: cookie.domain }),
        path: cookie.path,
        ...(cookie.expires === undefined ? {} : { expires: cookie.expires.getTime() / 1000 }),
        httpOnly: cookie.httpOnly === true,
        secure: cookie.secure === true,
        sameSite: cookie.sameSite,
      },
      line: hide(line),
    }
  }

  /** The browser's side of Set-Cookie. */
  remember(answer) {
    for (const line of answer.setCookie) {
      const { name, maxAge } = parseSetCookie(line)
      if (maxAge === 0) this.jar.delete(name)
      else this.jar.set(name, decodeURIComponent(sentValue(line)))
    }
  }

  capture(wanted, answer) {
    for (const { variable, from, member, query } of wanted) {
      const source = { json: answer.body, header: answer.headers, mail: this.mailbox.at(-1) }[from]
      let value = source?.[member]
      if (query !== undefined && value !== undefined) value = new URL(value, this.inputs.origin).searchParams.get(query) ?? undefined
      assert.equal(typeof value, "string", `nothing to capture for ${variable}`)
      this.variables[variable] = value
    }
    return wanted
  }
}

const hideVerifier = (request) => (request.form?.code_verifier ? { ...request, form: { ...request.form, code_verifier: "<random43>" } } : request)

/** Masks a JSON answer; WebAuthn options have random members that only their place tells. */
function maskJSON(body, known) {
  const out = mask(body, known)
  if (out?.options?.challenge) out.options.challenge = "<random43>"
  if (out?.options?.user?.id) out.options.user.id = "<random>"
  return out
}

/** What a careful server answers differently: said by the scenario, or 400 where the packages fail with 5xx on bad input. */
function difference(spec, url, response) {
  if (spec.mayDiffer) return { mayDiffer: spec.mayDiffer }
  const configurationPage = url.pathname.endsWith("/error") && url.searchParams.get("error") === "Configuration"
  if (response.status < 500 || configurationPage) return {}
  return { mayDiffer: { status: 400, why: "bad input is the caller's mistake: 400 in the same body shape, never a server error" } }
}

/** Records one scenario: {name, why, needs, inputs, steps}. */
export async function record(scenario, now) {
  const { inputs } = scenario
  const recording = new Recording(inputs, now)
  const steps = []
  await recording.open()
  try {
    for (const spec of scenario.steps) steps.push(await recording.step(spec))
  } finally {
    await recording.close()
  }
  const differing = steps.find((step) => step.mayDiffer)?.mayDiffer.why
  return {
    name: `${inputs.dialect}/${scenario.name}`,
    op: `${inputs.dialect}.http`,
    needs: scenario.needs,
    inputs,
    steps,
    ...(recording.database ? { databaseAfter: mask(recording.database.rows()), adapterCalls: recording.database.calls } : {}),
    expect: { result: "equal", why: scenario.why ?? "recorded from the package" },
    ...(differing ? { mayDiffer: differing } : {}),
  }
}
