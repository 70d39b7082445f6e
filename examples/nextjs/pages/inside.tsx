import type { GetServerSideProps, InferGetServerSidePropsType } from "next";
import { getServerSession, type Session } from "next-auth";
import { getSession } from "next-auth/react";
import { Facts } from "../components/Facts";
import { Layout } from "../components/Layout";
import { authOptions } from "../lib/auth-options";

type Props = { cookie: Session | null; gatehouse: Session | null; secret: boolean };

export const getServerSideProps: GetServerSideProps<Props> = async ({ req, res }) => {
  const gatehouse = await getSession({ req });
  const secret = Boolean(process.env.NEXTAUTH_SECRET);
  const cookie = secret ? await getServerSession(req, res, authOptions) : null;
  return { props: { cookie, gatehouse, secret } };
};

function verdict({ cookie, gatehouse, secret }: Props): [code: string, words: string] {
  if (!secret) return ["no-secret", "Start this application with NEXTAUTH_SECRET, the secret it shares with Gatehouse, to open the cookie here."];
  if (cookie && !gatehouse) return ["ended", "Gatehouse has ended this session (or cannot be reached). The cookie cannot know: code that only opens it would still let you in."];
  if (!cookie && !gatehouse) return ["nobody", "Nobody is signed in, and both say so."];
  if (!cookie) return ["unreadable", "Gatehouse knows this session, but the cookie cannot be opened here: NEXTAUTH_SECRET is not Gatehouse’s."];
  if (String(cookie.user.roles) !== String(gatehouse?.user.roles)) return ["stale", "Your roles have changed since this cookie was made. Only Gatehouse knows."];
  return ["agree", "Both agree, now. End this session in Gatehouse, keep the cookie, and look again."];
}

function Side({ id, title, call, session }: { id: string; title: string; call: string; session: Session | null }) {
  return (
    <section className="card" aria-label={title}>
      <h2>{title}</h2>
      <p>
        <code>{call}</code>
      </p>
      <p className={session ? "yes" : "no"} data-testid={`inside-${id}`}>
        {session ? "signed in" : "nobody"}
      </p>
      {session && <Facts id={`inside-${id}`} session={session} />}
    </section>
  );
}

export default function Inside(props: InferGetServerSidePropsType<typeof getServerSideProps>) {
  const [code, words] = verdict(props);
  return (
    <Layout title="Inside the cookie">
      <p className="note" role="status" data-testid="inside-verdict" data-verdict={code}>
        {words}
      </p>
      <div className="sides">
        <Side id="cookie" title="What the cookie says" call="getServerSession(req, res, authOptions)" session={props.cookie} />
        <Side id="gatehouse" title="What Gatehouse says" call="getSession({ req })" session={props.gatehouse} />
      </div>
      <h2>Why they can differ</h2>
      <p>
        <code>getServerSession</code>, <code>getToken</code> and NextAuth’s middleware open the cookie with the shared secret and ask nobody.
        They believe what was true when the cookie was made: a session ended since, a user disabled, a role taken away, a password changed.
        They go on believing it until the cookie’s own end, and each <code>getServerSession</code> moves that end further away.
      </p>
      <p>
        Gatehouse is not deceived by such a cookie, however often it was renewed. So decide with <code>getSession({"{ req }"})</code> wherever the
        answer matters, and use the cookie alone for what does no harm when it is out of date, such as a name in a corner of the page.
      </p>
    </Layout>
  );
}
