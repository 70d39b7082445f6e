import jwt from "jsonwebtoken";
import { unauthorized } from "../problems.js";
import { caller } from "../who.js";
import { bearer } from "./bearer.js";

// The line that stands in many an older route. It works with the tokens of an audience that has a shared secret in
// gatehouse.yaml. Whoever has the secret can also sign with it, so each API gets a secret of its own, and Gatehouse itself
// believes no such token. New routes do better with one of the others.
export function withSharedSecret({ jwtSecret: JWT_SECRET }) {
  return (req, res, next) => {
    const token = bearer(req);
    try {
      req.user = caller(jwt.verify(token, JWT_SECRET));
    } catch (error) {
      throw unauthorized(error);
    }
    next();
  };
}
