// Session tokens as the real packages make them.
//
//   in:  {"dialect": "v4"|"v5", "claims": {…}, "secret": "…"|["…"], "salt"?: "…", "maxAge"?: seconds, "now"?: seconds}
//   out: {"token": "…"} or {"error": "…"}
//
// salt is empty for a v4 session and the full cookie name for a v5 one; maxAge defaults to 30 days.
import { encode as encodeV5 } from "@auth/core/jwt"
import jwtV4 from "next-auth/jwt"
import { eachLine } from "./lines.mjs"

await eachLine(async ({ dialect, claims, secret, salt, maxAge }) => {
  const parts = { token: claims, secret, ...(salt === undefined ? {} : { salt }), ...(maxAge === undefined ? {} : { maxAge }) }
  if (dialect === "v4") return { token: await jwtV4.encode(parts) }
  if (dialect !== "v5") throw new Error(`dialect ${dialect} is neither v4 nor v5`)
  if (salt === undefined) throw new Error("v5 needs the cookie name as salt")
  return { token: await encodeV5(parts) }
})
