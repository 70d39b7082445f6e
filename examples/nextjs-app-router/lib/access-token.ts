import { createHash } from "node:crypto";
import "server-only";

const gatehouse = `${process.env.GATEHOUSE_URL ?? "http://127.0.0.1:8787"}/api/auth`;
const patience = 3_000; // milliseconds for one answer
const margin = 30; // seconds before its end in which a token is not used any more
const most = 1_000; // tokens kept

type Kept = { token: Promise<string | null>; until: number };

// The tokens, in the memory of this server and nowhere else: no cookie, no page and no answer ever holds one. They are kept by
// a digest of the Cookie header, so that whoever reads this memory does not find cookies in it.
const kept = new Map<string, Kept>();

// accessToken exchanges the session of a Cookie header for an access token, and keeps it until shortly before its end. It is
// null if nobody is signed in. It does not say whether the session is still alive: a kept token outlives it, so ask Gatehouse
// first, as withSession does.
export function accessToken(cookie: string, audience: string): Promise<string | null> {
  const key = keyOf(cookie, audience);
  const found = kept.get(key);
  if (found && found.until > Date.now()) return found.token;

  const fresh: Kept = { token: Promise.resolve(null), until: Date.now() + patience };
  fresh.token = exchange(cookie, audience).then((answer) => {
    fresh.until = answer ? Date.now() + (answer.expires_in - margin) * 1_000 : 0;
    return answer && answer.access_token;
  });
  fresh.token.catch(() => (fresh.until = 0)); // the next call asks anew
  kept.delete(key); // the youngest stand last
  kept.set(key, fresh);
  for (const oldest of kept.keys()) {
    if (kept.size <= most) break;
    kept.delete(oldest);
  }
  return fresh.token;
}

// forget drops a token that the API did not take, unless another has taken its place.
export async function forget(cookie: string, audience: string, token: string): Promise<void> {
  const key = keyOf(cookie, audience);
  const found = kept.get(key);
  if (found && (await found.token.catch(() => null)) === token && kept.get(key) === found) kept.delete(key);
}

async function exchange(cookie: string, audience: string): Promise<{ access_token: string; expires_in: number } | null> {
  const answer = await fetch(`${gatehouse}/token`, {
    method: "POST",
    headers: { cookie, "content-type": "application/json", accept: "application/json" },
    body: JSON.stringify({ audience, refresh: false }), // the session itself is what lasts
    cache: "no-store",
    redirect: "error",
    signal: AbortSignal.timeout(patience),
  });
  if (answer.status === 401) return null;
  if (answer.status !== 200) throw new Error(`Gatehouse answers ${answer.status} to the exchange of a session for a token`);
  return answer.json();
}

// The whole header, whichever of the cookies the session is in: a key that left out what tells two people apart would give
// one the other's token.
function keyOf(cookie: string, audience: string): string {
  return createHash("sha256").update(JSON.stringify([audience, cookie])).digest("base64url");
}
