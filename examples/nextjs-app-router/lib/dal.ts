import "server-only";
import { getSession } from "./gatehouse";
import { noteOf, setNote } from "./notes";

// The data-access layer: the only way to the data, and each function in it asks Gatehouse who is calling before it touches any.
// So no page, action or route has to be trusted to have asked. None takes the ID of a user: whose data it is follows from the
// session, and nobody can name somebody else's. Give away what the page shows, member by member, and never a row.
//
// Beside it, lib/hint.ts guesses. What is decided is decided here.

// SignedOut: nobody is signed in, or not any more. GatehouseUnavailable, which these functions throw too, is something else.
export class SignedOut extends Error {}

export async function myNote(): Promise<string> {
  return noteOf((await caller()).id);
}

// saveMyNote keeps a note, or says what is wrong with it.
export async function saveMyNote(text: unknown): Promise<string | null> {
  return setNote((await caller()).id, text);
}

async function caller() {
  const session = await getSession(); // asks once for each render, however many functions want to know
  if (!session) throw new SignedOut("nobody is signed in");
  return session.user;
}
