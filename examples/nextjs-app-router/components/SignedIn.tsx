"use client";

import { useRouter } from "next/navigation";
import type { Session } from "next-auth";
import { SessionProvider, useSession } from "next-auth/react";
import { type ReactNode, useEffect } from "react";

// SessionProvider looks at the session it is given only once. With the user as its key it begins anew, with all that stands in
// it, when somebody else is signed in.
export function SignedIn({ session, children }: { session: Session | null; children: ReactNode }) {
  const user = session?.user.id;
  return (
    <SessionProvider key={user ?? ""} session={session}>
      <InStep shown={user} />
      {children}
    </SessionProvider>
  );
}

// InStep has the server render anew when the browser hears of another user than the one shown: somebody has signed in in
// another tab. While somebody is signed in, SessionProvider asks whenever the tab is looked at; while nobody is, it does not.
function InStep({ shown }: { shown: string | undefined }) {
  const router = useRouter();
  const { data, update } = useSession();
  const user = data?.user.id;

  useEffect(() => {
    if (user && user !== shown) router.refresh();
  }, [user, shown, router]);

  useEffect(() => {
    if (user) return;
    const look = () => document.visibilityState === "visible" && void update();
    document.addEventListener("visibilitychange", look);
    return () => document.removeEventListener("visibilitychange", look);
  }, [user, update]);
  return null;
}
