import { createInterface } from "node:readline/promises";
import { GatehouseClient } from "./client.js";
import { settings } from "./settings.js";

// npm run try: signs in, calls every route, refreshes, signs out, and shows which routes notice that at once.
const { issuer, audience, legacyAudience } = settings(process.env);
const api = process.env.API ?? "http://127.0.0.1:4000";
const identifier = process.argv[2] ?? "user@example.test";
const password = process.env.PASSWORD ?? (await ask(`Password of ${identifier}: `));

const client = new GatehouseClient({ issuer, audience });
const old = new GatehouseClient({ issuer, audience: legacyAudience });
await Promise.all([client.signIn(identifier, password), old.signIn(identifier, password)]);
console.log(`signed in as ${identifier}`);
for (const route of ["/jose", "/jsonwebtoken", "/express-jwt", "/express-oauth2-jwt-bearer", "/introspection", "/admin"]) await show(route);

await show("/shared-secret", old.accessToken); // a token of another audience

await client.refresh();
console.log("refreshed");
await show("/jose");

const held = client.accessToken; // as a thief would
await Promise.all([client.signOut(), old.signOut()]);
console.log("signed out; the same access token again");
await show("/jose", held); // good until it expires
await show("/introspection", held); // refused at once

async function show(route, token) {
  const answer = token ? await fetch(api + route, { headers: { Authorization: `Bearer ${token}` } }) : await client.fetch(api + route);
  console.log(`  ${answer.status}  GET ${route.padEnd(28)} ${await answer.text()}`);
}

async function ask(question) {
  const terminal = createInterface({ input: process.stdin, output: process.stdout });
  try {
    return await terminal.question(question);
  } finally {
    terminal.close();
  }
}
