// A guess at who calls, for what is merely shown and for sparing people a detour. It looks whether there is a session cookie and
// asks nobody: the session may have ended long ago, and whoever likes can write a cookie of this name. "No" is certain, "yes" is
// not. What is allowed is decided in lib/gatehouse.ts and lib/dal.ts, which ask Gatehouse.

// The session's cookie of next-auth 5, which may be cut into several.
const sessionCookie = /^(__Secure-)?authjs\.session-token(\.\d+)?$/;

export function probablySignedIn(cookies: { name: string }[]): boolean {
  return cookies.some(({ name }) => sessionCookie.test(name));
}
