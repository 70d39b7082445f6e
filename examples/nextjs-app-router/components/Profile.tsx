"use client";

import { useRouter } from "next/navigation";
import { useSession } from "next-auth/react";
import { type FormEvent, useState } from "react";
import { useReady } from "../lib/use-ready";
import { Facts } from "./Facts";

export function Profile() {
  const router = useRouter();
  const { data: session, status, update } = useSession();
  const ready = useReady();
  const [outcome, setOutcome] = useState<"" | "busy" | "saved" | "failed">("");

  async function rename(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    setOutcome("busy");
    const name = String(new FormData(event.currentTarget).get("name"));
    const updated = await update({ name }).catch(() => null);
    setOutcome(updated?.user.name === name ? "saved" : "failed");
    router.refresh(); // what server components have shown is out of date
  }

  return (
    <section className="card" aria-label="Session">
      <p>
        <code>useSession()</code> says <strong data-testid="client-status">{status}</strong>
      </p>
      {session && (
        <>
          <Facts id="client" session={session} />
          <form className="stack" onSubmit={rename}>
            <label>
              Name
              <input name="name" defaultValue={session.user.name ?? ""} autoComplete="name" maxLength={100} required data-testid="rename-name" />
            </label>
            <p className="row">
              <button type="submit" disabled={!ready || outcome === "busy"} data-testid="rename-save">
                Change the name
              </button>
              <span role="status" className={outcome === "failed" ? "no" : "yes"} data-testid="rename-outcome">
                {{ "": "", busy: "", saved: "Saved.", failed: "That did not work. Try again in a moment." }[outcome]}
              </span>
            </p>
          </form>
        </>
      )}
    </section>
  );
}
