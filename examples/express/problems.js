// Every refusal is a problem document (RFC 9457). The caller learns whether to sign in (401), to give up (403) or to try again
// (503), and no more; the log has the reason.
class Refusal extends Error {
  constructor(status, detail, cause) {
    super(detail, { cause });
    this.status = status;
  }
}

const signIn = "A valid access token is needed.";

// unauthorized: nobody knows who calls. Signing in, or a fresh token, helps.
export const unauthorized = (cause) => new Refusal(401, signIn, cause);

// forbidden: we know who calls, and it is not for them. Signing in again does not help.
export const forbidden = (detail) => new Refusal(403, detail);

// unavailable: Gatehouse cannot be asked, so the door stays shut. It is nobody's fault and passes.
export const unavailable = (cause) => new Refusal(503, "Nobody can tell who calls at the moment. Try again soon.", cause);

export function notFound(req, res) {
  send(res, 404, "There is nothing here.");
}

// problems is the last error handler. Errors of express-jwt and express-oauth2-jwt-bearer come with a status of their own.
export function problems(error, req, res, next) {
  if (res.headersSent) return next(error);
  const status = error.status >= 400 && error.status < 600 ? error.status : 500;
  const cause = error.cause ?? error;
  // Messages may repeat what the caller sent: quoted, they cannot pretend to be lines of the log.
  console.error(`${req.method} ${req.path}: ${status} ${cause.name} ${cause.code ?? "-"} ${JSON.stringify(cause.message)}`);
  if (status >= 500 && status !== 503) console.error(error);

  if (error.headers) res.set(error.headers); // express-oauth2-jwt-bearer writes the challenge itself
  else if (status === 401) res.set("WWW-Authenticate", challenge(req));
  if (status === 503) res.set("Retry-After", "5");
  send(res, status, error instanceof Refusal ? error.message : status === 401 ? signIn : "That did not work.");
}

// challenge says what kind of proof is wanted, and that the one which was sent is no good (RFC 6750 §3).
function challenge(req) {
  return req.get("Authorization") ? 'Bearer realm="api", error="invalid_token"' : 'Bearer realm="api"';
}

function send(res, status, detail) {
  const title = { 400: "Bad Request", 401: "Unauthorized", 403: "Forbidden", 404: "Not Found", 503: "Service Unavailable" }[status];
  res.status(status).type("application/problem+json").send(JSON.stringify({ title: title ?? "Error", status, detail }));
}
