import { myNote } from "../lib/dal";
import { NoteForm } from "./NoteForm";

export async function Note() {
  return <NoteForm note={await myNote()} />;
}
