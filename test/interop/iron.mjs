// What an application on iron-session makes of a Cookie header, and what it writes.
//
//   in:  {"version": 8|9, "cookieHeader": "…", "cookieName": "…", "password": "…"|{"1": "…"}, "put"?: {…}, "chunk"?: true, "ttl"?: seconds, "now"?: seconds}
//   out: {"data": {…}, "setCookie": ["…"]} or {"error": "…"}
//
// data is the session as it was read. With put, its members are set and the session is saved; setCookie
// holds the lines of that.
import { getIronSession as v9 } from "iron-session"
import { getIronSession as v8 } from "iron-session-v8"
import { eachLine } from "./lines.mjs"

await eachLine(async ({ version, cookieHeader, cookieName, password, put, chunk, ttl }) => {
  const request = new Request("https://app.example.test/", { headers: { cookie: cookieHeader } })
  const response = new Response()
  const session = await (version === 8 ? v8 : v9)(request, response, {
    cookieName, password, ...(chunk === undefined ? {} : { chunk }), ...(ttl === undefined ? {} : { ttl }),
  })
  const data = JSON.parse(JSON.stringify(session))
  if (put !== undefined) {
    Object.assign(session, put)
    await session.save()
  }
  return { data, setCookie: response.headers.getSetCookie() }
})
