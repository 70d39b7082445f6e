import express from "express";
import { notFound, problems } from "./problems.js";
import { role, who } from "./who.js";
import { byIntrospection } from "./verify/introspection.js";
import { withExpressJwt } from "./verify/express-jwt.js";
import { withExpressOauth2JwtBearer } from "./verify/express-oauth2-jwt-bearer.js";
import { withJose } from "./verify/jose.js";
import { withJsonwebtoken } from "./verify/jsonwebtoken.js";
import { withSessionCookie } from "./verify/session-cookie.js";
import { withSharedSecret } from "./verify/shared-secret.js";

// One API, and seven ways to know who calls. An API of yours needs one of them, perhaps two: they stand side by side here to
// be compared. Each is a middleware that sets req.user = { id, roles, scopes } or ends the request with an error.
export function createApp(settings) {
  const app = express();
  app.disable("x-powered-by");
  // Answers are about one caller each: no cache may keep them.
  app.use((req, res, next) => next(void res.set("Cache-Control", "no-store")));

  app.get("/hello", (req, res) => res.json({ message: "Hello, whoever you are." }));

  // Verified here, with Gatehouse's public keys, which each library fetches once and keeps. Nobody is asked for each request,
  // so a token that was revoked is good until it expires: 15 minutes at most, if gatehouse.yaml does not say otherwise.
  const jose = withJose(settings);
  app.get("/jose", jose, who);
  app.get("/jsonwebtoken", withJsonwebtoken(settings), who);
  app.get("/express-jwt", withExpressJwt(settings), who);
  app.get("/express-oauth2-jwt-bearer", withExpressOauth2JwtBearer(settings), who);

  // Verified here, with a secret that Gatehouse and this API share, as older routes do.
  app.get("/shared-secret", withSharedSecret(settings), who);

  // Gatehouse is asked: what was revoked is refused at once.
  const introspection = byIntrospection(settings);
  app.get("/introspection", introspection, who);
  app.post("/payments", introspection, (req, res) => res.status(201).json({ paidBy: req.user.id }));

  // Who you are is one thing (401), what you may do another (403).
  app.get("/admin", jose, role("admin"), who);
  app.get("/admin/introspection", introspection, role("admin"), who);

  // For pages of the same site, which have the session cookie and no token. Gatehouse is asked, so sign-out counts at once.
  const cookie = withSessionCookie(settings);
  app.get("/cookie", cookie, who);
  app.post("/cookie/notes", cookie, (req, res) => res.status(201).json({ notedFor: req.user.id }));

  app.use(notFound);
  app.use(problems);
  return app;
}
