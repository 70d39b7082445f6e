import { AskApi } from "../../components/AskApi";
import { Facts } from "../../components/Facts";
import { Note } from "../../components/Note";
import { SignIn } from "../../components/SignIn";
import { getSession, isUnavailable } from "../../lib/gatehouse";

export default async function Home() {
  const session = await getSession().catch((error) => {
    if (isUnavailable(error)) return undefined;
    throw error;
  });
  return (
    <>
      <h1>Welcome</h1>
      <p>
        A Next.js application in the App Router. It has no <code>auth.ts</code>, no provider and no secret: one rewrite sends{" "}
        <code>/api/auth</code> to Gatehouse, and one short file asks Gatehouse who is there.
      </p>
      <section className="card" aria-label="Session">
        <p>
          The server component says <strong data-testid="server-status">{status(session)}</strong>
        </p>
        {session && <Facts id="server" session={session} />}
        {session === null && (
          <p className="row">
            <SignIn />
            <a className="button quiet" href="/api/auth/signup?callbackUrl=%2Fdashboard" data-testid="register">
              Create an account
            </a>
          </p>
        )}
        {session === undefined && <p>Sign-in is out of service for the moment. Whoever was signed in still is.</p>}
      </section>
      {session && (
        <section className="card" aria-label="Note">
          <h2>Your note</h2>
          <Note />
        </section>
      )}
      <section className="card" aria-label="API">
        <p>Route handlers that ask Gatehouse who is calling:</p>
        <AskApi path="/api/me" id="api-me" />
        <AskApi path="/api/admin" id="api-admin" />
        <p>
          And one that calls the API of <code>examples/express</code>, if that runs, with a token that never comes here:
        </p>
        <AskApi path="/api/express/jose" id="api-express" />
      </section>
    </>
  );
}

function status(session: unknown): string {
  if (session === undefined) return "unknown";
  return session ? "signed in" : "nobody is signed in";
}
