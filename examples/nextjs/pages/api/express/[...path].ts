import type { NextApiRequest, NextApiResponse } from "next";
import { getSession } from "next-auth/react";
import { accessToken, forget } from "../../../lib/access-token";

const api = process.env.EXPRESS_URL ?? "http://127.0.0.1:4000";
const audience = process.env.EXPRESS_AUDIENCE ?? "http://localhost:4000";
const patience = 10_000; // milliseconds for the API's answer

// Passes a call on to the Express API of examples/express as whoever is signed in here. The browser sends its session cookie
// as always; this server attaches the access token. So no script of a page can lose a token that it never had.
export default async function handler(req: NextApiRequest, res: NextApiResponse) {
  res.setHeader("Cache-Control", "private, no-store");
  if (fromElsewhere(req)) return res.status(403).json({ error: "This request comes from another site." });
  const path = [req.query.path ?? []].flat();
  if (path.some((part) => part === "." || part === "..")) return res.status(404).json({ error: "There is nothing here." });

  // Asked each time, and answered from Gatehouse's memory: whoever has signed out is refused at once, though the token that is
  // kept here would go on for minutes.
  const session = await getSession({ req: { headers: req.headers } });
  if (!session) return res.status(401).json({ error: "Nobody is signed in." });

  try {
    const answer = await callAPI(req, path);
    if (!answer) return res.status(401).json({ error: "Nobody is signed in." });
    // 401 here would send people to the sign-in page, who are signed in: that the API does not believe us is our own trouble.
    if (answer.status === 401) return res.status(502).json({ error: "The API does not take our word." });
    res.status(answer.status);
    res.setHeader("Content-Type", answer.headers.get("content-type") ?? "application/octet-stream");
    res.send(Buffer.from(await answer.arrayBuffer()));
  } catch (error) {
    console.error("The call to the Express API failed:", error);
    res.setHeader("Retry-After", "5").status(503).json({ error: "That does not work at the moment. Try again soon." });
  }
}

// callAPI calls with a kept token, and once more with a fresh one if that is refused. Null: nobody is signed in.
async function callAPI(req: NextApiRequest, path: string[]): Promise<Response | null> {
  const cookie = req.headers.cookie ?? "";
  for (let again = true; ; again = false) {
    const token = await accessToken(cookie, audience);
    if (!token) return null;
    const answer = await send(req, path, token);
    if (answer.status !== 401 || !again) return answer;
    await answer.body?.cancel();
    await forget(cookie, audience, token);
  }
}

// Of the request only the method, the path and a JSON body go on: no cookie, and no header that a browser could set.
function send(req: NextApiRequest, path: string[], token: string): Promise<Response> {
  const hasBody = req.method !== "GET" && req.method !== "HEAD" && req.body !== undefined && req.body !== "";
  return fetch(`${api}/${path.map(encodeURIComponent).join("/")}`, {
    method: req.method,
    headers: { authorization: `Bearer ${token}`, accept: "application/json", ...(hasBody && { "content-type": "application/json" }) },
    body: hasBody ? JSON.stringify(req.body) : undefined,
    cache: "no-store",
    redirect: "manual",
    signal: AbortSignal.timeout(patience),
  });
}

// fromElsewhere says of a request that would change something that nothing shows it to come from this site's own pages.
// Browsers say so in Sec-Fetch-Site; older ones in Origin.
function fromElsewhere(req: NextApiRequest): boolean {
  if (["GET", "HEAD", "OPTIONS"].includes(req.method ?? "")) return false;
  const site = req.headers["sec-fetch-site"];
  if (site) return site !== "same-origin";
  const host = req.headers.host ?? "";
  const scheme = /^(localhost|127\.0\.0\.1)(:|$)/.test(host) ? "http" : "https";
  return req.headers.origin !== `${scheme}://${host}`;
}
