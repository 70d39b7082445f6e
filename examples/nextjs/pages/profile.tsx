import { useSession } from "next-auth/react";
import { Facts } from "../components/Facts";
import { Layout } from "../components/Layout";

export default function Profile() {
  // Nobody signed in: next-auth goes to Gatehouse's sign-in page, which comes back here.
  const { data: session } = useSession({ required: true });
  return (
    <Layout title="Profile">
      <p>
        Protected in the browser by <code>useSession({"{ required: true }"})</code>.
      </p>
      <section className="card">{session ? <Facts id="profile" session={session} /> : <p data-testid="profile-loading">Loading…</p>}</section>
    </Layout>
  );
}
