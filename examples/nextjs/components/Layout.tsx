import Head from "next/head";
import Link from "next/link";
import { useRouter } from "next/router";
import { signIn, signOut, useSession } from "next-auth/react";
import type { ReactNode } from "react";

const places = [
  ["/profile", "Profile", "nav-profile"],
  ["/dashboard", "Dashboard", "nav-dashboard"],
  ["/admin", "Admin", "nav-admin"],
  ["/inside", "Inside", "nav-inside"],
] as const;

export function Layout({ title, children }: { title: string; children: ReactNode }) {
  const { pathname } = useRouter();
  const { data: session, status } = useSession();
  return (
    <>
      <Head>
        <title>{`${title} · Notebook`}</title>
      </Head>
      <header className="bar">
        <Link className="brand" href="/" data-testid="nav-home">
          <img src="/icon.svg" alt="" width="24" height="24" /> Notebook
        </Link>
        <nav aria-label="Pages">
          {places.map(([href, name, id]) => (
            <Link key={href} href={href} data-testid={id} aria-current={pathname === href ? "page" : undefined}>
              {name}
            </Link>
          ))}
        </nav>
        <span className="who">
          {status === "authenticated" && (
            <>
              <span className="name" data-testid="who">
                {session.user.name ?? session.user.email ?? session.user.id}
              </span>
              <button className="quiet" data-testid="sign-out" onClick={() => signOut({ callbackUrl: "/" })}>
                Sign out
              </button>
            </>
          )}
          {status === "unauthenticated" && (
            <button className="quiet" data-testid="sign-in" onClick={() => signIn()}>
              Sign in
            </button>
          )}
        </span>
      </header>
      <main>
        <h1>{title}</h1>
        {children}
      </main>
    </>
  );
}
