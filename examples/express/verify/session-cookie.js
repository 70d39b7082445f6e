import { timingSafeEqual } from "node:crypto";
import { forbidden, unauthorized, unavailable } from "../problems.js";

// For pages of the same site: the browser sends the session cookie by itself, and Gatehouse says whose it is. Because the
// browser sends it by itself, also when another site made it, whatever changes something must bring the CSRF token in a header:
// other sites can neither read it nor set the header.
export function withSessionCookie({ issuer, gatehouse }) {
  const { origin } = new URL(issuer); // of the pages

  return async (req, res, next) => {
    const cookie = req.get("Cookie");
    if (!cookie) throw unauthorized(new Error("no cookie"));
    if (!["GET", "HEAD"].includes(req.method)) await provesOwnPage(req, cookie);

    const session = await ask("session", cookie); // {} or null is nobody
    if (!session?.user?.id) throw unauthorized(new Error("nobody is signed in"));
    req.user = { id: session.user.id, roles: session.user.roles ?? [], scopes: [] };
    next();
  };

  async function provesOwnPage(req, cookie) {
    const from = req.get("Origin");
    if (from && from !== origin) throw forbidden("This request comes from another site.");
    // Gatehouse checks its own CSRF cookie, and answers with the token in it, or with a new one if the cookie is no good.
    const { csrfToken } = await ask("csrf", cookie);
    if (!same(req.get("X-CSRF-Token"), csrfToken)) throw forbidden("The header X-CSRF-Token is missing or wrong.");
  }

  async function ask(what, cookie) {
    try {
      const answer = await fetch(`${gatehouse}/${what}`, { headers: { cookie }, redirect: "error", signal: AbortSignal.timeout(3_000) });
      if (answer.status !== 200) throw new Error(`${what} answers ${answer.status}`);
      return await answer.json();
    } catch (error) {
      throw unavailable(error);
    }
  }
}

function same(given, wanted) {
  const [a, b] = [given, wanted].map((text) => Buffer.from(String(text ?? "")));
  return b.length > 0 && a.length === b.length && timingSafeEqual(a, b);
}
