import type { AuthOptions } from "next-auth";

// Only pages/inside.tsx needs this, to open the session cookie by itself with NEXTAUTH_SECRET, the secret shared with
// Gatehouse. No providers: Gatehouse signs people in.
export const authOptions: AuthOptions = {
  providers: [],
  callbacks: {
    session: ({ session, token }) => ({
      ...session,
      user: { ...session.user, id: token.sub ?? "", roles: token.roles },
    }),
  },
};
