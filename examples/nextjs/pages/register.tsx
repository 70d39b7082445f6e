import Link from "next/link";
import { useRouter } from "next/router";
import { signIn } from "next-auth/react";
import { type FormEvent, useState } from "react";
import { Layout } from "../components/Layout";
import { useReady } from "../lib/use-ready";
import { problemTrouble, signInTrouble } from "../lib/words";

export default function Register() {
  const router = useRouter();
  const ready = useReady();
  const [busy, setBusy] = useState(false);
  const [trouble, setTrouble] = useState<string | null>(null);

  // Resolves to what went wrong, or null.
  async function register(form: FormData): Promise<string | null> {
    const [name, email, password, invitationCode] = ["name", "email", "password", "invitationCode"].map((field) => String(form.get(field)));
    const answer = await fetch("/api/auth/register", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ name: name || undefined, email, password, invitationCode: invitationCode || undefined }),
    });
    if (!answer.ok) return problemTrouble(answer);

    const result = await signIn("credentials", { redirect: false, email, password, callbackUrl: "/profile" });
    const problem = signInTrouble(result);
    if (problem !== null) return `Your account is there, but you are not signed in. ${problem}`;
    await router.push(result?.url ?? "/profile");
    return null;
  }

  async function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    setBusy(true);
    setTrouble(null);
    setTrouble(await register(new FormData(event.currentTarget)).catch(() => "That does not work right now. Try again in a moment."));
    setBusy(false);
  }

  return (
    <Layout title="Create an account">
      <form className="card" method="post" onSubmit={submit} data-testid="register-form">
        <p role="alert" className="trouble" data-testid="register-error" hidden={!trouble}>
          {trouble}
        </p>
        <label>
          Name <small>if you like</small>
          <input name="name" autoComplete="name" data-testid="register-name" />
        </label>
        <label>
          E-mail
          <input name="email" type="email" autoComplete="username" required data-testid="register-email" />
        </label>
        <label>
          Password <small>at least 15 characters; several words are easy to remember</small>
          <input name="password" type="password" autoComplete="new-password" required data-testid="register-password" />
        </label>
        <label>
          Invitation code <small>if you were given one</small>
          <input name="invitationCode" autoComplete="off" data-testid="register-invitation" />
        </label>
        <button disabled={!ready || busy} data-testid="register-submit">
          {busy ? "Creating…" : "Create account"}
        </button>
      </form>
      <p>
        Have an account? <Link href="/login">Sign in</Link>.
      </p>
    </Layout>
  );
}
