import type { GetServerSideProps } from "next";
import type { Session } from "next-auth";
import { getSession, useSession } from "next-auth/react";
import { Facts } from "../components/Facts";
import { Layout } from "../components/Layout";

// getSession asks Gatehouse, so a session that was ended anywhere is ended here too.
export const getServerSideProps: GetServerSideProps<{ session: Session }> = async ({ req, resolvedUrl }) => {
  const session = await getSession({ req });
  if (!session) {
    return { redirect: { destination: `/login?callbackUrl=${encodeURIComponent(resolvedUrl)}`, permanent: false } };
  }
  return { props: { session } };
};

export default function Dashboard() {
  // pages/_app.tsx hands the session above to SessionProvider, so it is here at once.
  const { data: session } = useSession();
  return (
    <Layout title="Dashboard">
      <p>
        Protected on the server: <code>getServerSideProps</code> asked Gatehouse before this page was made.
      </p>
      <section className="card">
        {session ? <Facts id="dashboard" session={session} /> : <p data-testid="dashboard-gone">You have been signed out.</p>}
      </section>
    </Layout>
  );
}
