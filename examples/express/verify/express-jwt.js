import { expressjwt, UnauthorizedError } from "express-jwt";
import jwksRsa from "jwks-rsa";
import { unavailable } from "../problems.js";
import { caller } from "../who.js";

// express-jwt is jsonwebtoken as a middleware. It leaves the claims in req.auth.
export function withExpressJwt({ issuer, audience, gatehouse }) {
  const keys = jwksRsa.expressJwtSecret({
    jwksUri: `${gatehouse}/.well-known/jwks.json`, timeout: 5_000, rateLimit: true, jwksRequestsPerMinute: 10,
    handleSigningKeyError: (error, done) => done(error.isEndpointUnavailable ? unavailable(error) : new UnauthorizedError("invalid_token", error)),
  });
  const secret = (req, token) => {
    if (token?.header.typ?.toLowerCase() !== "at+jwt") throw new UnauthorizedError("invalid_token", new Error("not an access token"));
    return keys(req, token);
  };

  return [
    expressjwt({ secret, algorithms: ["ES256"], issuer, audience }),
    (req, res, next) => next(void (req.user = caller(req.auth))),
  ];
}
