import type { Metadata } from "next";
import { requireSession } from "../../../lib/gatehouse";

export const metadata: Metadata = { title: "Admin" };

export default async function Admin() {
  const { user } = await requireSession({ role: "admin", callbackUrl: "/admin" });
  return (
    <>
      <h1>Admin</h1>
      <section className="card">
        <p data-testid="admin-greeting">Hello, administrator {user.name ?? user.id}.</p>
        <p>Only who has the role “admin” at this moment sees this page: Gatehouse was asked, not the cookie.</p>
      </section>
    </>
  );
}
