// The client of examples/express, a line in and a line out: {do: "signIn" | "fetch" | "refresh" | "signOut" | "token", …}.
import { GatehouseClient } from "../../examples/express/client.js";
import { eachLine } from "./lines.mjs";

let client;

async function act(q) {
  switch (q.do) {
    case "signIn":
      client = new GatehouseClient({ issuer: q.issuer, audience: q.audience });
      await client.signIn(q.identifier, q.password);
      return {};
    case "fetch": // so many at once
      return { answers: await Promise.all(Array.from({ length: q.times ?? 1 }, async () => {
        const got = await client.fetch(q.url, q.method && { method: q.method });
        return { status: got.status, body: await got.text() };
      })) };
    case "refresh":
      return await client.refresh(), {};
    case "signOut":
      return await client.signOut(), {};
    case "token":
      return { token: client.accessToken ?? null, signedIn: client.signedIn };
  }
  throw new Error(`no such thing: ${q.do}`);
}

// What goes wrong is what some tests want to see.
await eachLine((q) => act(q).catch((error) => ({ failed: error.name, because: error.message })));
