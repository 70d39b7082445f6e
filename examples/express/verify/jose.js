import { createRemoteJWKSet, errors, jwtVerify } from "jose";
import { unauthorized, unavailable } from "../problems.js";
import { caller } from "../who.js";
import { bearer } from "./bearer.js";

// jose: fetches the keys when it first needs them, and again when a token names one that it does not know.
export function withJose({ issuer, audience, gatehouse }) {
  const keys = createRemoteJWKSet(new URL(`${gatehouse}/.well-known/jwks.json`));
  const demands = { issuer, audience, algorithms: ["ES256"], typ: "at+jwt", requiredClaims: ["sub", "exp"] };

  return async (req, res, next) => {
    const token = bearer(req);
    try {
      const { payload } = await jwtVerify(token, keys, demands);
      req.user = caller(payload);
    } catch (error) {
      throw isAboutTheToken(error) ? unauthorized(error) : unavailable(error);
    }
    next();
  };
}

// Everything else is about the way to Gatehouse, and no reason to tell anybody to sign in again.
function isAboutTheToken(error) {
  const { JWTExpired, JWTClaimValidationFailed, JWTInvalid, JWSInvalid, JWSSignatureVerificationFailed } = errors;
  const { JOSEAlgNotAllowed, JOSENotSupported, JWKSNoMatchingKey, JWKSMultipleMatchingKeys } = errors;
  return [
    JWTExpired, JWTClaimValidationFailed, JWTInvalid, JWSInvalid, JWSSignatureVerificationFailed,
    JOSEAlgNotAllowed, JOSENotSupported, JWKSNoMatchingKey, JWKSMultipleMatchingKeys,
  ].some((kind) => error instanceof kind);
}
