import type { NextApiRequest, NextApiResponse } from "next";
import { getSession } from "next-auth/react";

export default async function handler(req: NextApiRequest, res: NextApiResponse) {
  res.setHeader("Cache-Control", "private, no-store");
  if (req.method !== "GET") return res.setHeader("Allow", "GET").status(405).json({ error: "GET only" });
  const session = await getSession({ req });
  if (!session) return res.status(401).json({ error: "Nobody is signed in." });
  if (!session.user.roles?.includes("admin")) return res.status(403).json({ error: "For administrators only." });
  res.status(200).json({ message: `Hello, administrator ${session.user.name ?? session.user.id}.` });
}
