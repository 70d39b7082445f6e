"use client";

import Link from "next/link";
import { usePathname } from "next/navigation";
import { signOut, useSession } from "next-auth/react";
import type { MouseEvent } from "react";
import { SignIn } from "./SignIn";

const places = [
  ["/dashboard", "Dashboard", "nav-dashboard"],
  ["/admin", "Admin", "nav-admin"],
  ["/client", "In the browser", "nav-client"],
] as const;

// Without scripts the link opens Gatehouse's page, which asks first.
function leave(event: MouseEvent) {
  event.preventDefault();
  void signOut({ redirectTo: "/" });
}

// unknown: Gatehouse could not be asked, so neither button would be right.
export function Bar({ unknown }: { unknown: boolean }) {
  const here = usePathname();
  const { data: session } = useSession();
  return (
    <header className="bar">
      <Link className="brand" href="/" prefetch={false} data-testid="nav-home">
        <img src="/icon.svg" alt="" width="24" height="24" /> Notebook
      </Link>
      <nav aria-label="Pages">
        {/* No prefetch: it would ask Gatehouse about pages that nobody has opened. */}
        {places.map(([href, name, id]) => (
          <Link key={href} href={href} prefetch={false} data-testid={id} aria-current={here === href ? "page" : undefined}>
            {name}
          </Link>
        ))}
      </nav>
      <span className="who">
        {session && (
          <>
            <span className="name" data-testid="who">
              {session.user.name ?? session.user.email ?? session.user.id}
            </span>
            <a className="button quiet" href="/api/auth/signout" data-testid="sign-out" onClick={leave}>
              Sign out
            </a>
          </>
        )}
        {!session && !unknown && <SignIn id="sign-in" quiet />}
      </span>
    </header>
  );
}
