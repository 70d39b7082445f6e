// next-auth 4: its own handler, getServerSession and getToken, as Next's Pages Router would call them.
import { parse } from "cookie"
import nextAuth from "next-auth"
import { getServerSession } from "next-auth/next"
import { encode, getToken } from "next-auth/jwt"
import credentials from "next-auth/providers/credentials"
import { ada, cookiesOf, json, secret, serve } from "./serve.mjs"

const handler = nextAuth.default ?? nextAuth
const provider = (credentials.default ?? credentials)({ credentials: {}, authorize: () => null })
const options = { secret, providers: [provider], session: { strategy: "jwt" } }
const cookieName = "next-auth.session-token"

/** What the Pages Router adds to request and response, and no more. */
function dress(request, response) {
  request.cookies = parse(request.headers.cookie ?? "")
  request.query = { nextauth: ["session"] }
  response.status = (code) => ((response.statusCode = code), response)
  response.json = (value) => json(response, value)
  response.send = (value) => (value !== null && typeof value === "object" ? json(response, value) : response.end(value))
}

const routes = {
  "/api/auth/session": (request, response) => {
    dress(request, response)
    return handler(request, response, options)
  },
  "/getServerSession": async (request, response) => {
    dress(request, response)
    json(response, await getServerSession(request, response, options))
  },
  "/getToken": async (request, response) => {
    dress(request, response)
    json(response, await getToken({ req: request, secret }))
  },
}

serve(routes, async (address) => {
  process.env.NEXTAUTH_URL = `http://${address}`
  const token = await encode({ token: { ...ada, sub: "1" }, secret })
  const others = await cookiesOf(`http://${address}/api/auth/session`)
  const cookie = (token) => ({ cookie: `${others}; ${cookieName}=${token}` })
  const one = (name, path, setCookie) => ({
    name, path, method: "GET", headers: cookie(token), has: ada.email, setCookie,
    control: { headers: cookie(`${token.slice(0, -9)}AAAAAAAAA`) }, status: 200,
  })
  return [
    one("next-auth 4 GET /api/auth/session", "/api/auth/session", cookieName),
    one("next-auth 4 getServerSession", "/getServerSession", cookieName),
    one("next-auth 4 getToken", "/getToken", ""),
  ]
})
