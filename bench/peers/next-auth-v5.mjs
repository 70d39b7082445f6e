// next-auth 5: Auth() of the @auth/core it brings. Its route handlers do nothing else.
import { createRequire } from "node:module"
import { pathToFileURL } from "node:url"
import { ada, cookiesOf, secret, serve } from "./serve.mjs"

// Seen from next-auth 5, so that it is the one it brings.
const require = createRequire(createRequire(import.meta.url).resolve("next-auth-v5/package.json"))
const load = (name) => import(pathToFileURL(require.resolve(name)))
const { Auth } = await load("@auth/core")
const { encode } = await load("@auth/core/jwt")
const { default: credentials } = await load("@auth/core/providers/credentials")

const cookieName = "authjs.session-token"
const config = { secret, trustHost: true, basePath: "/api/auth", providers: [credentials({ credentials: {}, authorize: () => null })] }

const routes = {
  "/api/auth/session": async (request, response) => {
    const answer = await Auth(new Request(`http://${request.headers.host}${request.url}`, { method: request.method, headers: request.headers }), config)
    response.statusCode = answer.status
    for (const [name, value] of answer.headers) if (name !== "set-cookie") response.setHeader(name, value)
    response.setHeader("Set-Cookie", answer.headers.getSetCookie())
    response.end(await answer.text())
  },
}

serve(routes, async (address) => {
  const token = await encode({ token: { ...ada, sub: "1" }, secret, salt: cookieName })
  const others = await cookiesOf(`http://${address}/api/auth/session`)
  const cookie = (token) => ({ cookie: `${others}; ${cookieName}=${token}` })
  return [{
    name: "next-auth 5 GET /api/auth/session", path: "/api/auth/session", method: "GET",
    headers: cookie(token), has: ada.email, setCookie: cookieName,
    control: { headers: cookie(`${token.slice(0, -9)}AAAAAAAAA`) }, status: 200,
  }]
})
