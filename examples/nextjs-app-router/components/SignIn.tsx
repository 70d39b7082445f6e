"use client";

import { usePathname } from "next/navigation";
import { signIn } from "next-auth/react";
import type { MouseEvent } from "react";

// signIn without a provider opens Gatehouse's sign-in page, which leads back to the page this link stands on, with its query
// and fragment. Before the scripts are there the link itself leads to the same page.
export function SignIn({ id = "sign-in-hosted", quiet = false }: { id?: string; quiet?: boolean }) {
  const here = new URLSearchParams({ callbackUrl: usePathname() });
  function ask(event: MouseEvent) {
    event.preventDefault();
    void signIn();
  }
  return (
    <a className={quiet ? "button quiet" : "button"} href={`/api/auth/signin?${here}`} data-testid={id} onClick={ask}>
      Sign in
    </a>
  );
}
