// iron-session: a sealed cookie that is opened, and sealed anew by save().
import { getIronSession, sealData } from "iron-session"
import { ada, json, secret, serve } from "./serve.mjs"

const options = { password: secret, cookieName: "iron", cookieOptions: { secure: false } }

const routes = {
  "/read": async (request, response) => json(response, await getIronSession(request, response, options)),
  "/save": async (request, response) => {
    const session = await getIronSession(request, response, options)
    await session.save()
    json(response, session)
  },
}

serve(routes, async () => {
  const sealed = await sealData({ user: ada, roles: ["user"] }, options)
  const one = (name, path, setCookie) => ({
    name, path, method: "GET", headers: { cookie: `iron=${sealed}` }, has: ada.email, setCookie,
    control: { headers: { cookie: `iron=${sealed.slice(0, -9)}AAAAAAA~2` } }, status: 200,
  })
  return [one("iron-session read", "/read", ""), one("iron-session read and save()", "/save", "iron=")]
})
