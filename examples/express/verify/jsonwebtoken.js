import jwt from "jsonwebtoken";
import jwksRsa from "jwks-rsa";
import { unauthorized, unavailable } from "../problems.js";
import { caller } from "../who.js";
import { bearer } from "./bearer.js";

// jsonwebtoken checks, jwks-rsa has the keys. What is pinned here must never come from the token: the algorithm, the issuer,
// the audience. jsonwebtoken itself does not look at the header's typ.
export function withJsonwebtoken({ issuer, audience, gatehouse }) {
  const keys = jwksRsa({ jwksUri: `${gatehouse}/.well-known/jwks.json`, timeout: 5_000, rateLimit: true, jwksRequestsPerMinute: 10 });

  return async (req, res, next) => {
    const token = bearer(req);
    try {
      const header = jwt.decode(token, { complete: true })?.header; // believed in nothing; it only says which key to try
      if (header?.typ?.toLowerCase() !== "at+jwt") throw new jwt.JsonWebTokenError("not an access token");
      const key = await keys.getSigningKey(header.kid);
      req.user = caller(jwt.verify(token, key.getPublicKey(), { algorithms: ["ES256"], issuer, audience }));
    } catch (error) {
      throw error.isEndpointUnavailable ? unavailable(error) : unauthorized(error);
    }
    next();
  };
}
