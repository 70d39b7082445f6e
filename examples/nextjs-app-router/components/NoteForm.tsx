"use client";

import { useActionState } from "react";
import { type Outcome, saveNote } from "../app/(site)/actions";

// Works before the scripts have loaded, and without them: the browser then posts the form itself.
export function NoteForm({ note }: { note: string }) {
  const [outcome, save, busy] = useActionState<Outcome, FormData>(saveNote, null);
  return (
    <form className="stack" action={save}>
      <label>
        Text
        <input name="text" defaultValue={note} key={note} maxLength={280} data-testid="note-text" />
      </label>
      <p className="row">
        <button type="submit" disabled={busy} data-testid="note-save">
          Save
        </button>
        <span role="status" className={outcome?.done === false ? "no" : "yes"} data-testid="note-outcome">
          {busy ? "" : outcome?.words}
        </span>
      </p>
    </form>
  );
}
