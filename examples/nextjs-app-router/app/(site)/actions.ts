"use server";

import { refresh } from "next/cache";
import { SignedOut, saveMyNote } from "../../lib/dal";
import { isUnavailable } from "../../lib/gatehouse";

export type Outcome = { done: boolean; words: string } | null;

// A server action is called by its ID, by the path of any page that uses it, and the start page is everybody's. So an action
// asks for itself, whatever proxy.ts lets through.
export async function saveNote(_before: Outcome, form: FormData): Promise<Outcome> {
  try {
    const trouble = await saveMyNote(form.get("text"));
    if (trouble) return { done: false, words: trouble };
  } catch (error) {
    if (error instanceof SignedOut) return { done: false, words: "Your session has ended. Nothing was saved: sign in again." };
    if (!isUnavailable(error)) throw error;
    return { done: false, words: "Nobody can tell who is signed in at the moment. Nothing was saved: try again soon." };
  }
  refresh();
  return { done: true, words: "Saved." };
}
