import { withSession } from "../../../lib/gatehouse";

export const GET = withSession(
  (_request, { user }) =>
    Response.json({ message: `Hello, administrator ${user.name ?? user.id}.` }, { headers: { "Cache-Control": "private, no-store" } }),
  { role: "admin" },
);
