// The outside identity source of the OAuth and OpenID Connect sequences: a server on a free loopback
// port whose answers are those of `inputs.upstream`.
import { createServer } from "node:http"
import * as jose from "jose"

const keyID = "k1"

/** Reads a request body to its end. */
async function bodyOf(request) {
  const parts = []
  for await (const part of request) parts.push(part)
  return Buffer.concat(parts).toString()
}

/**
 * Starts the upstream. `variable(name)` gives the value of a captured variable, which the id_token
 * needs for its nonce. The result has the base `url`, `seen()` (requests since the last call) and `close()`.
 */
export async function startUpstream(plan, variable) {
  const published = plan.idToken !== undefined ? await jose.generateKeyPair("RS256", { extractable: true }) : null
  const stranger = plan.idToken?.signedBy === "stranger" ? await jose.generateKeyPair("RS256", { extractable: true }) : null
  let requests = []
  let base = ""

  async function idToken() {
    const now = Math.floor(Date.now() / 1000)
    const claims = {}
    for (const [name, value] of Object.entries(plan.idToken.claims)) {
      claims[name] = value === "{{nonce}}" ? variable("nonce") : value === "<upstream>" ? base : value
    }
    claims.iat = now + plan.idToken.issuedAt
    claims.exp = now + plan.idToken.expires
    return new jose.SignJWT(claims).setProtectedHeader({ alg: "RS256", kid: keyID }).sign((stranger ?? published).privateKey)
  }

  const answers = {
    "/.well-known/openid-configuration": () => published && {
      issuer: base,
      authorization_endpoint: `${base}/authorize`,
      token_endpoint: `${base}/token`,
      userinfo_endpoint: `${base}/userinfo`,
      jwks_uri: `${base}/jwks`,
      response_types_supported: ["code"],
      subject_types_supported: ["public"],
      id_token_signing_alg_values_supported: ["RS256"],
      code_challenge_methods_supported: ["S256"],
    },
    "/jwks": async () => published && { keys: [{ ...(await jose.exportJWK(published.publicKey)), kid: keyID, alg: "RS256", use: "sig" }] },
    "/token": async () => ({ ...plan.token, ...(plan.idToken ? { id_token: await idToken() } : {}) }),
    "/userinfo": () => plan.profile,
  }

  const server = createServer(async (request, response) => {
    const body = await bodyOf(request)
    const scheme = request.headers.authorization?.split(" ")[0]
    requests.push({ method: request.method, path: request.url, ...(scheme ? { authorization: scheme } : {}), ...(body ? { form: Object.fromEntries(new URLSearchParams(body)) } : {}) })
    const answer = await answers[new URL(request.url, base).pathname]?.()
    response.writeHead(answer ? 200 : 404, { "content-type": "application/json" })
    response.end(JSON.stringify(answer ?? {}))
  })
  await new Promise((ready) => server.listen(0, "127.0.0.1", ready))
  base = `http://127.0.0.1:${server.address().port}`

  return {
    url: base,
    seen() {
      const since = requests
      requests = []
      return since
    },
    close() {
      server.closeAllConnections()
      return new Promise((done) => server.close(done))
    },
  }
}
