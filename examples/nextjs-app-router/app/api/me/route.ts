import { withSession } from "../../../lib/gatehouse";

export const GET = withSession((_request, { user }) => Response.json({ user }, { headers: { "Cache-Control": "private, no-store" } }));
