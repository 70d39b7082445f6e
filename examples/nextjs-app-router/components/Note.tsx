import { noteOf } from "../lib/notes";
import { NoteForm } from "./NoteForm";

export async function Note({ userId }: { userId: string }) {
  return <NoteForm note={await noteOf(userId)} />;
}
