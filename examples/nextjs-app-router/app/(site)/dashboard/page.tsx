import type { Metadata } from "next";
import { Suspense } from "react";
import { Facts } from "../../../components/Facts";
import { Note } from "../../../components/Note";
import { requireSession } from "../../../lib/gatehouse";

export const metadata: Metadata = { title: "Dashboard" };

// The check comes before anything is sent, and what is slow streams after it. A loading.tsx here would be sent before the
// check: a refusal could then be no redirect and no status of its own.
export default async function Dashboard() {
  const session = await requireSession({ callbackUrl: "/dashboard" });
  return (
    <>
      <h1>Dashboard</h1>
      <p>
        Protected twice: <code>proxy.ts</code> asked Gatehouse before this page was made, and the page asked again.
      </p>
      <section className="card" aria-label="Session">
        <Facts id="dashboard" session={session} />
      </section>
      <section className="card note-card" aria-label="Note">
        <h2>Your note</h2>
        <Suspense fallback={<p>Loading…</p>}>
          <Note />
        </Suspense>
      </section>
    </>
  );
}
