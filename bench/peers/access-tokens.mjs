// An access token verified for each request, as Express routes do: jsonwebtoken and jose, without Express.
import { createLocalJWKSet, exportJWK, generateKeyPair, jwtVerify, SignJWT } from "jose"
import jwt from "jsonwebtoken"
import { createSecretKey, KeyObject } from "node:crypto"
import { ada, json, secret, serve } from "./serve.mjs"

const issuer = "https://app.example/api/auth"
const audience = "https://api.example"
const keys = { ES256: await generateKeyPair("ES256"), RS256: await generateKeyPair("RS256") }
const parsed = { ES256: KeyObject.from(keys.ES256.publicKey), RS256: KeyObject.from(keys.RS256.publicKey) } // as jwks-rsa's would be, once
const hmac = createSecretKey(Buffer.from(secret))
const published = createLocalJWKSet({
  keys: await Promise.all(Object.entries(keys).map(async ([alg, key]) => ({ ...(await exportJWK(key.publicKey)), alg, kid: alg, use: "sig" }))),
})

const bearer = (request) => (request.headers.authorization ?? "").slice("Bearer ".length)

const verified = (verify) => async (request, response) => {
  try {
    json(response, { user: await verify(bearer(request)) })
  } catch {
    response.statusCode = 401
    json(response, {})
  }
}

const routes = {
  "/jsonwebtoken/HS256": verified((token) => jwt.verify(token, hmac, { algorithms: ["HS256"], issuer, audience })),
  "/jsonwebtoken/ES256": verified((token) => jwt.verify(token, parsed.ES256, { algorithms: ["ES256"], issuer, audience })),
  "/jsonwebtoken/RS256": verified((token) => jwt.verify(token, parsed.RS256, { algorithms: ["RS256"], issuer, audience })),
  "/jose/ES256": verified(async (token) => (await jwtVerify(token, published, { algorithms: ["ES256"], issuer, audience, typ: "at+jwt" })).payload),
}

serve(routes, async () => {
  const claims = { client_id: "bench", scope: "", email: ada.email, roles: ["user"], sid: "ses_1", fam: "fam_1", epoch: 1, ver: 1 }
  const token = (alg) =>
    new SignJWT(claims).setProtectedHeader({ alg, typ: "at+jwt", kid: alg })
      .setIssuer(issuer).setAudience(audience).setSubject("usr_1").setJti("1").setIssuedAt().setExpirationTime("2h")
      .sign(alg === "HS256" ? hmac : keys[alg].privateKey)
  const one = async (path) => {
    const [, library, alg] = path.split("/")
    const good = await token(alg)
    return {
      name: `${library} ${alg}, access token`, path, method: "GET", headers: { authorization: `Bearer ${good}` }, has: ada.email, setCookie: "",
      control: { headers: { authorization: `Bearer ${good.slice(0, -9)}AAAAAAAAA` } }, status: 401,
    }
  }
  return Promise.all(Object.keys(routes).map(one))
})
