import { createHash, randomBytes } from "node:crypto";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";

// node setup.js [folder]: makes what the example needs once, in .gatehouse/ beside this file unless another folder is named.
//
//   gatehouse.yaml   the settings of Gatehouse, for gatehouse serve --config
//   env              the settings of the API, for node --env-file
//
// It overwrites nothing: whoever has these secrets already would otherwise find that they do not fit any more.
const folder = resolve(process.argv[2] ?? fileURLToPath(new URL(".gatehouse", import.meta.url)));
const listen = process.env.LISTEN ?? "127.0.0.1:8787";
const opsListen = process.env.OPS_LISTEN ?? "127.0.0.1:8788";
const api = process.env.API ?? "http://localhost:4000";

const origin = `http://localhost:${new URL(`http://${listen}`).port}`;
const secret = () => randomBytes(32).toString("base64url");
const clientSecret = secret();
const jwtSecret = secret();

const gatehouse = `# Made by setup.js of examples/express. Whoever can read this file can sign in as anybody.
public_origin: ${origin}
listen: ${listen}
ops_listen: ${opsListen}
secrets: ["${secret()}"]
database:
  path: ${JSON.stringify(`${folder}/gatehouse.db`)}
mounts:
  - base_path: /api/auth
    secrets: ["${secret()}"] # NEXTAUTH_SECRET, if an application opens the session cookie by itself

tokens:
  audiences:
    - id: ${api} # signed with ES256, verified with the published keys
    - id: ${api}/legacy # signed with HS256 and a secret that this API has too
      secret: "${jwtSecret}"
  clients:
    - id: orders-api # the API itself, when it asks whether a token is still good
      secret_hash: ${createHash("sha256").update(clientSecret).digest("hex")}
      audiences: [${api}]
      may_introspect: true
`;

const env = `ISSUER=${origin}/api/auth
AUDIENCE=${api}
LEGACY_AUDIENCE=${api}/legacy
JWT_SECRET=${jwtSecret}
CLIENT_ID=orders-api
CLIENT_SECRET=${clientSecret}
`;

mkdirSync(folder, { recursive: true, mode: 0o700 });
if (existsSync(`${folder}/gatehouse.yaml`)) {
  console.log(`${folder} is set up already; delete it to begin anew`);
} else {
  for (const [name, text] of [["env", env], ["gatehouse.yaml", gatehouse]]) {
    writeFileSync(`${folder}/${name}`, text, { mode: 0o600 });
    console.log(`wrote ${folder}/${name}`);
  }
}
