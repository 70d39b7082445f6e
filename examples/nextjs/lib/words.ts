import type { SignInResponse } from "next-auth/react";

// What to tell a person whose sign-in did not work; null if it did. `undefined` is what signIn returns
// when it could not reach Gatehouse at all.
export function signInTrouble(result: SignInResponse | undefined): string | null {
  if (result?.ok && !result.error) return null;
  switch (result?.status) {
    case 401:
      return result.error === "AccessDenied"
        ? "This account may not sign in."
        : "That is not the right password, or there is no such account.";
    case 429:
      return "Too many attempts. Wait a little, then try again.";
    default:
      return "Signing in does not work right now. Try again in a moment.";
  }
}

// The error answers of Gatehouse's own endpoints, such as /api/auth/register, are problem documents (RFC 9457)
// whose `detail` is a sentence made for the person in front of the screen.
export async function problemTrouble(answer: Response): Promise<string> {
  if (answer.status === 429 || answer.status === 503) {
    const seconds = Number(answer.headers.get("Retry-After"));
    const when = seconds > 0 ? `in ${seconds} ${seconds === 1 ? "second" : "seconds"}` : "in a few minutes";
    return answer.status === 429 ? `Too many attempts. Try again ${when}.` : `Gatehouse is busy. Try again ${when}.`;
  }
  const problem: { detail?: string; title?: string } | null = await answer.json().catch(() => null);
  return problem?.detail ?? problem?.title ?? "That does not work right now. Try again in a moment.";
}
