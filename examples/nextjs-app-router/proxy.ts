import { type NextRequest, NextResponse } from "next/server";
import { type Answer, allowed, askGatehouse, isUnavailable, problem, signInPath, unavailable } from "./lib/gatehouse";
import { probablySignedIn } from "./lib/hint";

// Pages for everybody. Whatever is not listed wants a session, also a page that is written tomorrow.
const open = new Set(["/", "/client"]);

// Whatever lies at and below these wants a role too.
const roles: [path: string, role: string][] = [
  ["/admin", "admin"],
  ["/api/admin", "admin"],
];

// Every request passes here but those to Gatehouse itself and to files that are the same for everybody.
export const config = { matcher: ["/((?!api/auth/|_next/static/|favicon\\.ico$|icon\\.svg$|app\\.css$).*)"] };

// proxy is the first of two checks. It gives refused pages their status and renews cookies: server components can do neither.
// The second check, beside the data, is the one to rely on: guards in front of Next.js have been gone around before, and what
// a page does is not all behind the page's own path.
export async function proxy(request: NextRequest): Promise<Response> {
  const { pathname, search } = request.nextUrl;
  if (open.has(pathname)) return NextResponse.next();
  const navigation = !pathname.startsWith("/api/") && isNavigation(request);

  let answer: Answer;
  try {
    // A guess is good enough for "nobody", and never for "somebody".
    const cookie = probablySignedIn(request.cookies.getAll()) ? request.headers.get("cookie") : null;
    answer = await askGatehouse(cookie);
  } catch (error) {
    if (!isUnavailable(error)) throw error;
    return navigation ? outagePage(unavailable(error)) : unavailable(error);
  }

  const role = roles.find(([path]) => pathname === path || pathname.startsWith(`${path}/`))?.[1];
  let response: Response;
  if (!answer.session) {
    // Scripts get the status and no redirect. To Next.js's router, when it loads a page with a script, it means: open the
    // address as a page. Then the redirect comes.
    response = navigation ? seeOther(signInPath(pathname + search), request) : problem(401, "Nobody is signed in.");
  } else if (!allowed(answer.session, { role })) {
    const refusal = problem(403, `For the role ${role} only.`);
    response = navigation ? forbiddenPage(refusal) : refusal;
  } else {
    // Static pages and files tell caches to keep them, and whatever is guarded must be kept by none: it would be given to
    // everybody, together with the cookie below.
    response = NextResponse.next({ headers: { "Cache-Control": "private, no-store" } });
  }
  // Only when a page is opened: answers to scripts come late and out of order, and one that is overtaken by a sign-in in
  // another tab would put the old cookie back.
  if (navigation) for (const cookie of answer.setCookie) response.headers.append("Set-Cookie", cookie);
  return response;
}

// isNavigation: does the browser want to show the answer as a page?
function isNavigation(request: NextRequest): boolean {
  const mode = request.headers.get("sec-fetch-mode");
  return mode ? mode === "navigate" : (request.headers.get("accept")?.includes("text/html") ?? false);
}

// seeOther redirects, and turns a POST into a GET.
function seeOther(path: string, request: NextRequest): Response {
  return NextResponse.redirect(new URL(path, request.nextUrl), { status: 303, headers: { "Cache-Control": "private, no-store" } });
}

function forbiddenPage(refusal: Response): Response {
  return page(refusal, "Not allowed", "You are signed in, but this page is for others.", `<a class="button" href="/">To the start page</a>`);
}

function outagePage(refusal: Response): Response {
  // The link is to the address that was asked for.
  const words = "Nobody can tell who is signed in at the moment. If you were signed in, you still are: try again soon.";
  return page(refusal, "Service unavailable", words, `<a class="button" href="">Try again</a>`);
}

// page is a refusal for people. It is written out here, because Next.js drops the status of a rewrite, and its forbidden() is
// experimental. It never holds anything of the request.
function page(refusal: Response, title: string, words: string, link: string): Response {
  const html = `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title} · Notebook</title>
<link rel="icon" href="/icon.svg" type="image/svg+xml">
<link rel="stylesheet" href="/app.css">
</head>
<body>
<main>
<h1>${title}</h1>
<section class="card">
<p data-testid="refusal">${words}</p>
<p>${link}</p>
</section>
</main>
</body>
</html>`;
  const response = new Response(html, refusal);
  response.headers.set("Content-Type", "text/html; charset=utf-8");
  return response;
}
