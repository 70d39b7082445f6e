// The real next-auth 4 and Auth.js 5 as an application's own sign-in: what Gatehouse takes the place of.
//
//   node nextauth.mjs '{"v4": {"basePath": "/api/auth", "secret": "…"}, "v5": {…}, "origin": "http://localhost:3000",
//                       "users": [{"id": "…", "name": "…", "email": "…", "password": "…"}], "maxAge"?: seconds,
//                       "dropUnknown"?: true}'
//
// It prints its port and serves until standard input ends. dropUnknown gives it a jwt callback that gives back only
// the claims it knows, as some applications have.
import http from "node:http"
import { Auth } from "@auth/core"
import nextAuthV4 from "next-auth/next"

const settings = JSON.parse(process.argv[2])
const handlerV4 = nextAuthV4.default ?? nextAuthV4
const silent = { error() {}, warn() {}, debug() {} }
process.env.NEXTAUTH_URL = settings.origin + settings.v4.basePath

const options = (secret) => ({
  secret,
  logger: silent,
  session: { strategy: "jwt", ...(settings.maxAge ? { maxAge: settings.maxAge } : {}) },
  providers: [
    {
      id: "credentials",
      name: "Credentials",
      type: "credentials",
      credentials: { email: {}, password: {} },
      authorize(given) {
        const found = settings.users.find((one) => one.email === given?.email && one.password === given?.password)
        return found ? { id: found.id, name: found.name, email: found.email } : null
      },
    },
  ],
  callbacks: {
    // The member that most applications add: the ID of their own tables.
    session: ({ session, token }) => ({ ...session, user: { ...session.user, id: token.sub } }),
    ...(settings.dropUnknown ? { jwt: ({ token }) => ({ sub: token.sub, name: token.name, email: token.email }) } : {}),
  },
})

async function bodyOf(request) {
  const parts = []
  for await (const part of request) parts.push(part)
  return Buffer.concat(parts).toString()
}

const cookiesOf = (header = "") =>
  Object.fromEntries(header.split(/; */).filter(Boolean).map((pair) => [pair.slice(0, pair.indexOf("=")), decodeURIComponent(pair.slice(pair.indexOf("=") + 1))]))

/** A Pages Router API route is what v4 expects; this is as much of one as it uses. */
async function v4(request, response, url, body) {
  const type = request.headers["content-type"] ?? ""
  request.query = { ...Object.fromEntries(url.searchParams), nextauth: url.pathname.slice(settings.v4.basePath.length).split("/").filter(Boolean) }
  request.cookies = cookiesOf(request.headers.cookie)
  request.body = type.includes("json") ? JSON.parse(body || "{}") : Object.fromEntries(new URLSearchParams(body))
  response.status = (code) => ((response.statusCode = code), response)
  response.json = (value) => (response.setHeader("Content-Type", "application/json"), response.end(JSON.stringify(value)))
  response.send = (value) => (typeof value === "object" && value !== null ? response.json(value) : response.end(value))
  await handlerV4(request, response, options(settings.v4.secret))
  if (!response.writableEnded) response.end()
}

async function v5(request, response, url, body) {
  const headers = new Headers()
  for (const [name, value] of Object.entries(request.headers)) headers.set(name, String(value))
  const answer = await Auth(new Request(url, { method: request.method, headers, body: request.method === "POST" ? body : undefined }), {
    ...options(settings.v5.secret),
    basePath: settings.v5.basePath,
    trustHost: true,
  })
  response.statusCode = answer.status
  for (const [name, value] of answer.headers) if (name !== "set-cookie") response.setHeader(name, value)
  response.setHeader("Set-Cookie", answer.headers.getSetCookie())
  response.end(Buffer.from(await answer.arrayBuffer()))
}

const server = http.createServer(async (request, response) => {
  try {
    const url = new URL(request.url, settings.origin)
    const body = await bodyOf(request)
    await (url.pathname.startsWith(settings.v4.basePath + "/") ? v4 : v5)(request, response, url, body)
  } catch (error) {
    console.error(error)
    response.statusCode = 500
    response.end()
  }
})
server.listen(0, "127.0.0.1", () => console.log(server.address().port))
process.stdin.resume()
process.stdin.on("end", () => process.exit(0))
