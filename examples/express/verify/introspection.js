import { unauthorized, unavailable } from "../problems.js";
import { caller } from "../who.js";
import { bearer } from "./bearer.js";

// Asks Gatehouse about each token (RFC 7662), which answers from memory: a call of a millisecond or two, and what was revoked a
// moment ago is refused. For payments, administration, deletion: where 15 minutes are too long.
export function byIntrospection({ issuer, audience, gatehouse, clientId, clientSecret }) {
  const credentials = Buffer.from(`${encodeURIComponent(clientId)}:${encodeURIComponent(clientSecret)}`).toString("base64");

  return async (req, res, next) => {
    const token = bearer(req);
    const claims = await introspect(token);
    if (!claims.active) throw unauthorized(new Error("not active"));
    // Refresh tokens can be asked about too, and are good for something else.
    if (claims.token_type !== "Bearer") throw unauthorized(new Error("not an access token"));
    if (claims.iss !== issuer || ![claims.aud].flat().includes(audience)) throw unauthorized(new Error("for somebody else"));
    req.user = caller(claims);
    next();
  };

  async function introspect(token) {
    try {
      const answer = await fetch(`${gatehouse}/introspect`, {
        method: "POST",
        headers: { Authorization: `Basic ${credentials}` },
        body: new URLSearchParams({ token, token_type_hint: "access_token" }),
        redirect: "error",
        signal: AbortSignal.timeout(3_000),
      });
      if (answer.status !== 200) throw new Error(`introspection answers ${answer.status}`);
      return await answer.json();
    } catch (error) {
      throw unavailable(error);
    }
  }
}
