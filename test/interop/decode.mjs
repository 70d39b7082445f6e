// What an application's own helpers make of a Cookie header.
//
//   in:  {"dialect": "v4"|"v5", "cookieHeader": "…", "secret": "…"|["…"], "secure": true|false, "cookieName"?: "…", "now"?: seconds}
//   out: {"token": claims|null, "session": session|null, "setCookie": ["…"]} or {"error": "…"}
//
// token is getToken(); session is v4's getServerSession(), and for v5 what auth() asks of @auth/core;
// setCookie holds the lines the session call would set.
import { Auth } from "@auth/core"
import { getToken as getTokenV5 } from "@auth/core/jwt"
import nextAuth from "next-auth/next"
import jwtV4 from "next-auth/jwt"
import { eachLine } from "./lines.mjs"

const silent = { error() {}, warn() {}, debug() {} }

/** Splits a Cookie header the way both packages see it: first of a name wins, values percent-decoded. */
function parse(header) {
  const cookies = {}
  for (const part of header.split(";")) {
    const at = part.indexOf("=")
    if (at < 0) continue
    const name = part.slice(0, at).trim()
    const value = part.slice(at + 1).trim()
    if (name in cookies) continue
    try {
      cookies[name] = decodeURIComponent(value)
    } catch {
      cookies[name] = value
    }
  }
  return cookies
}

const named = (cookieName, secure) => (cookieName ? { cookies: { sessionToken: { name: cookieName, options: { httpOnly: true, sameSite: "lax", path: "/", secure } } } } : {})

async function v4({ cookieHeader, secret, secure, cookieName }) {
  process.env.NEXTAUTH_URL = `${secure ? "https" : "http"}://app.example.test/api/auth`
  const request = { headers: { cookie: cookieHeader }, cookies: parse(cookieHeader) }
  const token = await jwtV4.getToken({ req: request, secret, secureCookie: secure, ...(cookieName ? { cookieName } : {}), logger: silent })
  let setCookie = []
  const response = {
    getHeader: (name) => (name.toLowerCase() === "set-cookie" ? [...setCookie] : undefined),
    setHeader(name, value) {
      if (name.toLowerCase() === "set-cookie") setCookie = [value].flat()
    },
  }
  const session = await nextAuth.getServerSession(request, response, { secret, providers: [], logger: silent, ...named(cookieName, secure) })
  return { token: token ?? null, session: session ?? null, setCookie }
}

async function v5({ cookieHeader, secret, secure, cookieName }) {
  const headers = new Headers({ cookie: cookieHeader })
  const token = await getTokenV5({ req: { headers }, secret, secureCookie: secure, ...(cookieName ? { cookieName, salt: cookieName } : {}), logger: silent })
  const url = `${secure ? "https" : "http"}://app.example.test/api/auth/session`
  const response = await Auth(new Request(url, { headers }), { basePath: "/api/auth", secret, trustHost: true, providers: [], logger: silent, ...named(cookieName, secure) })
  if (!response.ok) throw new Error(`session call answered ${response.status}: ${await response.text()}`)
  return { token: token ?? null, session: await response.json(), setCookie: response.headers.getSetCookie() }
}

await eachLine((given) => {
  if (given.dialect === "v4") return v4(given)
  if (given.dialect === "v5") return v5(given)
  throw new Error(`dialect ${given.dialect} is neither v4 nor v5`)
})
