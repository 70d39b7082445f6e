import { auth } from "express-oauth2-jwt-bearer";
import { caller } from "../who.js";

// express-oauth2-jwt-bearer needs the issuer's address and finds the rest: {issuer}/.well-known/openid-configuration says where
// the keys are and which algorithms sign. strict wants what RFC 9068 wants of an access token. The claims are in req.auth.payload.
//
// It answers 401 also when it cannot reach the issuer.
export function withExpressOauth2JwtBearer({ issuer, audience }) {
  return [
    auth({ issuerBaseURL: issuer, audience, strict: true }),
    (req, res, next) => next(void (req.user = caller(req.auth.payload))),
  ];
}
