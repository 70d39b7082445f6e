import { accessToken, forget } from "../../../../lib/access-token";
import { problem, withSession } from "../../../../lib/gatehouse";

const api = process.env.EXPRESS_URL ?? "http://127.0.0.1:4000";
const audience = process.env.EXPRESS_AUDIENCE ?? "http://localhost:4000";
const patience = 10_000; // milliseconds for the API's answer

type Context = { params: Promise<{ path: string[] }> };

// Passes a call on to the Express API of examples/express as whoever is signed in here. The browser sends its session cookie
// as always; this server attaches the access token. So no script of a page can lose a token that it never had.
//
// withSession asks Gatehouse each time: whoever has signed out is refused at once, though the token that is kept here would go
// on for minutes. It also refuses what another site made the browser send.
const pass = withSession<Context>(async (request, _session, { params }) => {
  const { path } = await params;
  if (path.some((part) => part === "." || part === "..")) return problem(404, "There is nothing here.");
  try {
    const answer = await callAPI(request, path);
    if (!answer) return problem(401, "Nobody is signed in.");
    // 401 here would send people to the sign-in page, who are signed in: that the API does not believe us is our own trouble.
    if (answer.status === 401) return problem(502, "The API does not take our word.");
    const headers = { "Content-Type": answer.headers.get("content-type") ?? "application/octet-stream", "Cache-Control": "private, no-store" };
    return new Response(answer.body, { status: answer.status, headers });
  } catch (error) {
    console.error("The call to the Express API failed:", error);
    return problem(503, "That does not work at the moment. Try again soon.", { "Retry-After": "5" });
  }
});

export { pass as DELETE, pass as GET, pass as PATCH, pass as POST, pass as PUT };

// callAPI calls with a kept token, and once more with a fresh one if that is refused. Null: nobody is signed in.
async function callAPI(request: Request, path: string[]): Promise<Response | null> {
  const cookie = request.headers.get("cookie") ?? "";
  const body = request.method === "GET" ? undefined : await request.text();
  for (let again = true; ; again = false) {
    const token = await accessToken(cookie, audience);
    if (!token) return null;
    const answer = await send(request.method, path, body, token);
    if (answer.status !== 401 || !again) return answer;
    await answer.body?.cancel();
    await forget(cookie, audience, token);
  }
}

// Of the request only the method, the path and a JSON body go on: no cookie, and no header that a browser could set.
function send(method: string, path: string[], body: string | undefined, token: string): Promise<Response> {
  return fetch(`${api}/${path.map(encodeURIComponent).join("/")}`, {
    method,
    headers: { authorization: `Bearer ${token}`, accept: "application/json", ...(body && { "content-type": "application/json" }) },
    body: body || undefined,
    cache: "no-store",
    redirect: "manual",
    signal: AbortSignal.timeout(patience),
  });
}
