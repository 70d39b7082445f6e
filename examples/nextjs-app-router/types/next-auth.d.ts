import type { DefaultSession } from "next-auth";

// What Gatehouse adds to the session every Auth.js application knows. A member it has no value for is absent.
declare module "next-auth" {
  interface Session {
    user: { id: string; roles?: string[] } & DefaultSession["user"];
  }
}
