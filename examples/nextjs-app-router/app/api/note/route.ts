import { withSession } from "../../../lib/gatehouse";
import { setNote } from "../../../lib/notes";

// For programs and scripts; the form of the dashboard uses the server action. withSession refuses a POST that another site
// made the browser send.
export const POST = withSession(async (request, { user }) => {
  const body: { text?: unknown } | null = await request.json().catch(() => null);
  const trouble = await setNote(user.id, body?.text);
  if (trouble) return Response.json({ title: "Bad Request", status: 400, detail: trouble }, { status: 400 });
  return new Response(null, { status: 204 });
});
