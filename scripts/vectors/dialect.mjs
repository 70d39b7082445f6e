// The two dialects behind one face: cookie names, sealing, and "hand this request to the real handler".
// Only the published packages answer; nothing in this file decides what an answer looks like.
import nextAuthV4 from "next-auth/next"
import * as sealV4 from "next-auth/jwt"
import { Auth } from "@auth/core"
import * as sealV5 from "@auth/core/jwt"
import { parseCookie } from "cookie"

const handlerV4 = nextAuthV4.default ?? nextAuthV4

/** Names of all protocol cookies below an origin. The __Host- and __Secure- prefixes follow its scheme. */
function cookieNames(stem, origin) {
  const secure = origin.startsWith("https:")
  const plain = (name) => `${secure ? "__Secure-" : ""}${stem}.${name}`
  return {
    session: plain("session-token"),
    csrf: `${secure ? "__Host-" : ""}${stem}.csrf-token`,
    callbackUrl: plain("callback-url"),
    state: plain("state"),
    pkce: plain("pkce.code_verifier"),
    nonce: plain("nonce"),
    challenge: plain("challenge"),
  }
}

/**
 * Calls the v4 handler in the shape of a Pages Router API route. The response object keeps what the
 * handler sets; what a framework would add by itself is not there.
 */
async function callV4({ options, origin, basePath, method, url, headers, form, json }) {
  process.env.NEXTAUTH_URL = origin + basePath
  const answer = { status: 200, headers: {}, setCookie: [], kind: "empty" }
  const response = {
    status: (code) => ((answer.status = code), response),
    getHeader: (name) => (name.toLowerCase() === "set-cookie" ? [...answer.setCookie] : answer.headers[name.toLowerCase()]),
    setHeader(name, value) {
      if (name.toLowerCase() === "set-cookie") answer.setCookie = [value].flat()
      else answer.headers[name.toLowerCase()] = String(value)
      return response
    },
    json(value) {
      answer.headers["content-type"] ??= "application/json"
      Object.assign(answer, { kind: "json", body: JSON.parse(JSON.stringify(value)) })
    },
    send(value) {
      if (typeof value === "object" && value !== null) return response.json(value)
      if (value !== undefined) Object.assign(answer, { kind: "text", body: value })
    },
    end() {},
  }
  const request = {
    method,
    headers: { ...headers, host: url.host },
    query: { ...Object.fromEntries(url.searchParams), nextauth: url.pathname.slice(basePath.length).split("/").filter(Boolean) },
    cookies: { ...parseCookie(headers.cookie ?? "") },
    body: form ?? json ?? (method === "POST" ? {} : undefined),
    url: url.pathname + url.search,
  }
  await handlerV4(request, response, options)
  return answer
}

/** Calls the v5 handler, which speaks Request and Response. */
async function callV5({ options, basePath, method, url, headers, form, json }) {
  const body = form ? new URLSearchParams(form).toString() : json === undefined ? undefined : JSON.stringify(json)
  const response = await Auth(new Request(url, { method, headers: { ...headers, host: url.host }, body }), { ...options, basePath })
  const answer = { status: response.status, headers: {}, setCookie: response.headers.getSetCookie(), kind: "empty" }
  for (const [name, value] of response.headers) if (name !== "set-cookie") answer.headers[name] = value
  const text = await response.text()
  if (answer.headers["content-type"]?.startsWith("application/json")) Object.assign(answer, { kind: "json", body: JSON.parse(text) })
  else if (text !== "") Object.assign(answer, { kind: "text", body: text })
  return answer
}

/**
 * What differs between the dialects when a request is made or an answer is read:
 *
 *   wantsJSON      how a client asks for JSON in place of a redirect (form fields or headers)
 *   sessionSalt    the HKDF salt of a session token kept in the cookie of that name
 *   encode/decode  the packages' own functions
 *   defaultJWTMaxAge  life of a sealed session at sign-in when no jwt.maxAge is set
 */
export const dialects = {
  v4: {
    name: "v4",
    names: (origin) => cookieNames("next-auth", origin),
    wantsJSON: { form: { json: "true" }, headers: {} },
    sessionSalt: () => "",
    defaultJWTMaxAge: () => 30 * 86400,
    encode: (parts) => sealV4.encode(parts),
    decode: (parts) => sealV4.decode(parts),
    call: callV4,
  },
  v5: {
    name: "v5",
    names: (origin) => cookieNames("authjs", origin),
    wantsJSON: { form: {}, headers: { "X-Auth-Return-Redirect": "1" } },
    sessionSalt: (cookie) => cookie,
    defaultJWTMaxAge: (sessionMaxAge) => sessionMaxAge,
    encode: (parts) => sealV5.encode(parts),
    decode: (parts) => sealV5.decode(parts),
    call: callV5,
  },
}
