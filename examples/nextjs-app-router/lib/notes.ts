import "server-only";

// One note for each user, in memory: an example needs no database. On globalThis, because Next.js loads a module once for
// pages and once more for route handlers.
const store = globalThis as typeof globalThis & { notes?: Map<string, string> };
const notes = (store.notes ??= new Map());

export const longest = 280;

export async function noteOf(userId: string): Promise<string> {
  return notes.get(userId) ?? "";
}

// setNote keeps a note, or says what is wrong with it.
export async function setNote(userId: string, text: unknown): Promise<string | null> {
  if (typeof text !== "string" || text.length > longest) return `A note is a text of at most ${longest} characters.`;
  notes.delete(userId);
  notes.set(userId, text);
  if (notes.size > 1000) notes.delete(notes.keys().next().value ?? ""); // the oldest
  return null;
}
