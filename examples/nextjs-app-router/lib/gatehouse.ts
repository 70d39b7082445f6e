import { headers } from "next/headers";
import { notFound, redirect } from "next/navigation";
import type { Session } from "next-auth";
import { cache } from "react";
import "server-only";

const gatehouse = process.env.GATEHOUSE_URL ?? "http://127.0.0.1:8787";
const patience = 3_000; // milliseconds for one answer of Gatehouse

// What a caller needs beside being signed in.
export type Need = { role?: string };

// What Gatehouse said of a cookie: who it is, and the Set-Cookie headers that go back to the browser.
export type Answer = { session: Session | null; setCookie: string[] };

// GatehouseUnavailable means: nobody knows who is asking. It is not "nobody is signed in": the browser's cookie is untouched,
// and the same person is signed in again when Gatehouse is back.
export class GatehouseUnavailable extends Error {
  // The digest is all that production builds tell app/(site)/error.tsx of an error.
  readonly digest = "GATEHOUSE_UNAVAILABLE";
  constructor(
    readonly retryAfter: string,
    cause: unknown,
  ) {
    super("Gatehouse cannot tell who is asking", { cause });
  }
}

// askGatehouse asks whose cookies these are. The Cookie header goes through as the browser wrote it: a session may be spread
// over several cookies, and every byte of them counts.
export async function askGatehouse(cookie: string | null): Promise<Answer> {
  if (!cookie) return { session: null, setCookie: [] };
  let retryAfter = "5"; // seconds
  try {
    const response = await fetch(`${gatehouse}/api/auth/session`, {
      headers: { cookie, accept: "application/json" },
      cache: "no-store",
      redirect: "error",
      signal: AbortSignal.timeout(patience),
    });
    retryAfter = response.headers.get("retry-after") ?? retryAfter;
    if (response.status !== 200) throw new Error(`status ${response.status}`);
    const session: Session | null = await response.json(); // null is nobody
    if (session !== null && typeof session.user?.id !== "string") throw new Error("an answer that is no session");
    return { session, setCookie: response.headers.getSetCookie() };
  } catch (cause) {
    console.error(`Gatehouse at ${gatehouse} gave no answer:`, cause);
    throw new GatehouseUnavailable(retryAfter, cause);
  }
}

// getSession is for server components and server actions: who is signed in, or null. However many components of one render
// call it, Gatehouse is asked once. It throws GatehouseUnavailable.
//
// A server component cannot set cookies, so a renewed one is dropped here. Nothing is lost: the old one stays as good as it
// was. It is renewed by proxy.ts when a page is opened, and by SessionProvider whenever it asks.
export const getSession = cache(async (): Promise<Session | null> => {
  return (await askGatehouse((await headers()).get("cookie"))).session;
});

// requireSession is getSession for pages that want a session: nobody is led to the sign-in page and from there back to
// callbackUrl, and for whoever lacks the role the page is not there. People see this only where proxy.ts was gone around.
export async function requireSession({ role, callbackUrl }: Need & { callbackUrl: string }): Promise<Session> {
  const session = await getSession();
  if (!session) redirect(signInPath(callbackUrl));
  if (!allowed(session, { role })) notFound();
  return session;
}

// withSession guards a route handler: 401, 403 and 503 are problem documents (RFC 9457), never a redirect.
export function withSession<Context>(
  handler: (request: Request, session: Session, context: Context) => Response | Promise<Response>,
  need: Need = {},
): (request: Request, context: Context) => Promise<Response> {
  return async (request, context) => {
    if (fromElsewhere(request)) return problem(403, "This request comes from another site.");
    try {
      const { session } = await askGatehouse(request.headers.get("cookie"));
      if (!session) return problem(401, "Nobody is signed in.");
      if (!allowed(session, need)) return problem(403, `For the role ${need.role} only.`);
      return await handler(request, session, context);
    } catch (error) {
      if (isUnavailable(error)) return unavailable(error);
      throw error;
    }
  };
}

// allowed is the one question of what a session may do.
export function allowed(session: Session, { role }: Need): boolean {
  return role === undefined || (session.user.roles?.includes(role) ?? false);
}

// fromElsewhere says of a request that would change something that nothing shows it to come from this site's own pages.
// Browsers say so in Sec-Fetch-Site; older ones in Origin. Silence is no statement. Programs
// set the Origin header. Server actions need none of this: Next.js compares Origin and Host for them by itself.
export function fromElsewhere(request: Request): boolean {
  if (["GET", "HEAD", "OPTIONS"].includes(request.method)) return false;
  const site = request.headers.get("sec-fetch-site");
  if (site) return site !== "same-origin";
  const host = request.headers.get("host") ?? "";
  const scheme = /^(localhost|127\.0\.0\.1)(:|$)/.test(host) ? "http" : "https";
  return request.headers.get("origin") !== `${scheme}://${host}`;
}

// signInPath is Gatehouse's sign-in page, which leads back to callbackUrl. Gatehouse allows addresses of this application
// alone there, whatever is asked for.
export function signInPath(callbackUrl: string): string {
  return `/api/auth/signin?${new URLSearchParams({ callbackUrl })}`;
}

export function problem(status: number, detail: string, more?: HeadersInit): Response {
  const title = { 401: "Unauthorized", 403: "Forbidden", 404: "Not Found", 502: "Bad Gateway", 503: "Service Unavailable" }[status];
  const fixed = { "Content-Type": "application/problem+json", "Cache-Control": "private, no-store" };
  return new Response(JSON.stringify({ title, status, detail }), { status, headers: { ...more, ...fixed } });
}

export function unavailable(error: GatehouseUnavailable): Response {
  return problem(503, "Nobody can tell who is signed in at the moment. Try again soon.", { "Retry-After": error.retryAfter });
}

export function isUnavailable(error: unknown): error is GatehouseUnavailable {
  return error instanceof GatehouseUnavailable;
}
