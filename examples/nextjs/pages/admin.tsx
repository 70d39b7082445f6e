import Link from "next/link";
import { useSession } from "next-auth/react";
import { useEffect, useState } from "react";
import { Layout } from "../components/Layout";

const words: Record<number, string> = {
  200: "You are an administrator. Here is what only administrators see.",
  401: "You are not signed in.",
  403: "You are signed in, but not as an administrator.",
};

// The page itself is no secret, its data are: the decision is in pages/api/admin.ts.
export default function Admin() {
  const { status: session } = useSession();
  const [answer, setAnswer] = useState<{ status: number; body: string } | null>(null);

  useEffect(() => {
    if (session === "loading") return;
    const controller = new AbortController();
    fetch("/api/admin", { signal: controller.signal })
      .then(async (response) => setAnswer({ status: response.status, body: await response.text() }))
      .catch(() => undefined);
    return () => controller.abort();
  }, [session]);

  return (
    <Layout title="Admin">
      <section className="card" aria-live="polite">
        {answer === null ? (
          <p>Loading…</p>
        ) : (
          <>
            <p>
              <code>/api/admin</code> answered <strong data-testid="admin-status">{answer.status}</strong>
            </p>
            <p data-testid="admin-message">{words[answer.status] ?? "That did not work."}</p>
            {answer.status === 200 && <pre data-testid="admin-data">{answer.body}</pre>}
            {answer.status === 401 && <Link href="/login?callbackUrl=%2Fadmin">Sign in</Link>}
          </>
        )}
      </section>
    </Layout>
  );
}
