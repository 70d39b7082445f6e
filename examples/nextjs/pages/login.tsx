import Link from "next/link";
import { useRouter } from "next/router";
import { signIn } from "next-auth/react";
import { type FormEvent, useState } from "react";
import { Layout } from "../components/Layout";
import { useReady } from "../lib/use-ready";
import { signInTrouble } from "../lib/words";

export default function Login() {
  const router = useRouter();
  const ready = useReady();
  const [busy, setBusy] = useState(false);
  const [trouble, setTrouble] = useState<string | null>(null);

  async function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    setBusy(true);
    setTrouble(null);
    const result = await signIn("credentials", {
      redirect: false,
      email: String(form.get("email")),
      password: String(form.get("password")),
      callbackUrl: typeof router.query.callbackUrl === "string" ? router.query.callbackUrl : "/",
    }).catch(() => undefined);
    // Somebody else chose the password, as an operator does for a new colleague: the next step is Gatehouse's own page.
    if (result?.error === "password_change_needed") return window.location.assign("/api/auth/new-password");
    const problem = signInTrouble(result);
    // result.url is the callback URL as Gatehouse allowed it. Never go to the one from the query itself: anybody can
    // put the address of another site there.
    if (problem === null && result?.url) return router.push(result.url);
    setBusy(false);
    setTrouble(problem);
  }

  return (
    <Layout title="Sign in">
      {/* method="post": if the scripts do not run, the browser must not put the password into the address. */}
      <form className="card" method="post" onSubmit={submit} data-testid="login-form">
        <p role="alert" className="trouble" data-testid="login-error" hidden={!trouble}>
          {trouble}
        </p>
        <label>
          E-mail or user name
          <input name="email" autoComplete="username" autoCapitalize="none" spellCheck={false} required data-testid="login-email" />
        </label>
        <label>
          Password
          <input name="password" type="password" autoComplete="current-password" required data-testid="login-password" />
        </label>
        <button disabled={!ready || busy} data-testid="login-submit">
          {busy ? "Signing in…" : "Sign in"}
        </button>
      </form>
      <p>
        No account yet? <Link href="/register">Create one</Link>.
      </p>
    </Layout>
  );
}
