import { unauthorized } from "../problems.js";

// bearer is the token of the Authorization header (RFC 6750 §2.1). Tokens are taken from nowhere else: addresses end up in logs.
export function bearer(req) {
  const [, token] = /^Bearer ([\w.~+/-]+=*)$/i.exec(req.get("Authorization") ?? "") ?? [];
  if (!token) throw unauthorized(new Error("no bearer token"));
  return token;
}
