import { forbidden } from "./problems.js";

// caller turns the claims of a verified token into what the routes work with.
export function caller(claims) {
  return {
    id: claims.sub,
    roles: Array.isArray(claims.roles) ? claims.roles : [],
    scopes: typeof claims.scope === "string" ? claims.scope.split(" ").filter(Boolean) : [],
  };
}

// role lets callers with the role through. It stands behind the middleware that says who calls.
export function role(name) {
  return (req, res, next) => {
    if (!req.user.roles.includes(name)) throw forbidden(`For the role ${name} only.`);
    next();
  };
}

// who answers with the caller.
export function who(req, res) {
  res.json(req.user);
}
