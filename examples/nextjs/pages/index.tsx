import Link from "next/link";
import { signIn, useSession } from "next-auth/react";
import { AskApi } from "../components/AskApi";
import { Facts } from "../components/Facts";
import { Layout } from "../components/Layout";
import { useReady } from "../lib/use-ready";

export default function Home() {
  const ready = useReady();
  const { data: session, status } = useSession();
  return (
    <Layout title="Welcome">
      <p>
        An ordinary Next.js application with the ordinary <code>next-auth/react</code>. It has no{" "}
        <code>[...nextauth]</code> route: one rewrite sends <code>/api/auth</code> to Gatehouse.
      </p>
      <section className="card" aria-label="Session">
        <p>
          <code>useSession()</code> says <strong data-testid="session-status">{status}</strong>
        </p>
        {session && <Facts id="session" session={session} />}
        {status === "unauthenticated" && (
          <p className="row">
            <button data-testid="sign-in-hosted" disabled={!ready} onClick={() => signIn()}>
              Sign in on Gatehouse’s page
            </button>
            <Link className="button quiet" href="/login" data-testid="sign-in-custom">
              Sign in on our own page
            </Link>
            <Link className="button quiet" href="/register" data-testid="register">
              Create an account
            </Link>
          </p>
        )}
      </section>
      <section className="card" aria-label="API">
        <p>API routes that ask Gatehouse who is calling:</p>
        <AskApi path="/api/me" id="api-me" />
        <AskApi path="/api/admin" id="api-admin" />
        <p>
          And one that calls the API of <code>examples/express</code>, if that runs, with a token that never comes here:
        </p>
        <AskApi path="/api/express/jose" id="api-express" />
      </section>
    </Layout>
  );
}
