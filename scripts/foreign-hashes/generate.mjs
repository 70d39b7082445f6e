// Writes password hashes as JavaScript programs make them, one JSON object a line, as generate.py does.
import { randomBytes, scryptSync } from "node:crypto";
import bcryptjs from "bcryptjs";
import firebase from "firebase-scrypt";

const passwords = ["correct horse battery staple", "Grüße aus Köln – naïve ☃ 42", "x".repeat(80), "e\u0301te\u0301 with combining marks"];

// The example project of Firebase's own documentation.
const project = {
  memCost: 14,
  rounds: 8,
  saltSeparator: "Bw==",
  signerKey: "jxspr8Ki0RYycVU8zykbdLGjFQ3McFUH0uiiTvC8pVMXAn210wjLNmdZJzxUECKbm0QsEmYUSDzZvpjeJ9WmXA==",
};

const write = (scheme, of, password, hash) => console.log(JSON.stringify({ scheme, of, password, hash }));

for (const password of passwords) {
  write("bcrypt 2b", "bcryptjs", password, bcryptjs.hashSync(password, 4));

  const salt = randomBytes(12).toString("base64");
  const key = await new firebase.FirebaseScrypt(project).hash(password, salt);
  const { memCost: n, rounds: r, saltSeparator: ss, signerKey: sk } = project;
  write("fbscrypt", "firebase-scrypt", password, `$fbscrypt$v=1,n=${n},r=${r},p=1,ss=${ss},sk=${sk}$${salt}$${key}`);

  // better-auth: the salt is the text of the hex digits.
  const text = randomBytes(16).toString("hex");
  const derived = scryptSync(password.normalize("NFKC"), text, 64, { N: 16384, r: 16, p: 1, maxmem: 64 << 20 });
  write("scrypt", "documented", password, `${text}:${derived.toString("hex")}`);
}
