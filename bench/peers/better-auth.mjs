// better-auth with its own adapter in memory: what a database would cost is left out.
import { betterAuth } from "better-auth"
import { memoryAdapter } from "better-auth/adapters/memory"
import { toNodeHandler } from "better-auth/node"
import { ada, secret, serve } from "./serve.mjs"

const rows = { user: [], session: [], account: [], verification: [] }
let handle
const pass = (request, response) => handle(request, response)
const routes = { "/api/auth/get-session": pass, "/api/auth/sign-in/email": pass }
const password = "seven blue lanterns in rain"

serve(routes, async (address) => {
  const auth = betterAuth({
    baseURL: `http://${address}`, secret, database: memoryAdapter(rows), emailAndPassword: { enabled: true },
    rateLimit: { enabled: false }, telemetry: { enabled: false }, logger: { disabled: true },
  })
  handle = toNodeHandler(auth)
  const { headers } = await auth.api.signUpEmail({ body: { ...ada, password }, returnHeaders: true })
  const cookie = headers.getSetCookie().map((line) => line.split(";", 1)[0]).join("; ")
  const name = cookie.split("=", 1)[0]
  const form = (typed) => ({
    headers: { "content-type": "application/json", origin: `http://${address}` }, body: JSON.stringify({ email: ada.email, password: typed }),
  })
  return [
    {
      name: "better-auth session check", path: "/api/auth/get-session", method: "GET", headers: { cookie }, has: ada.email, setCookie: "",
      control: { headers: { cookie: `${name}=AAAA${cookie.slice(name.length + 5)}` } }, status: 200,
    },
    {
      name: "better-auth sign-in", path: "/api/auth/sign-in/email", method: "POST", ...form(password), has: ada.email, setCookie: name,
      control: form("six blue lanterns in rain"), status: 401,
    },
  ]
})
