import type { ReactNode } from "react";
import { Bar } from "../../components/Bar";
import { SignedIn } from "../../components/SignedIn";
import { getSession, isUnavailable } from "../../lib/gatehouse";

// Tells the browser's half who is signed in, so that useSession knows from the first moment and nothing on the page moves.
// This layout guards nothing: Next.js does not render it again when only the page below it changes. Pages guard themselves.
export default async function Site({ children }: { children: ReactNode }) {
  const session = await getSession().catch((error) => {
    if (isUnavailable(error)) return undefined; // a page for everybody is there in an outage, too
    throw error;
  });
  return (
    <SignedIn session={session ?? null}>
      <Bar unknown={session === undefined} />
      <main>{children}</main>
    </SignedIn>
  );
}
