// The inputs of the recorded sequences. Any file with the same members can take its place:
//   node generate.mjs other-profile.mjs folder
export default {
  /** Unix seconds at which every sequence begins. */
  now: 1767225600,

  origin: "http://localhost:3000",
  secureOrigin: "https://app.example.test",
  basePath: "/api/auth",
  otherBasePath: "/custom/auth",

  secret: "sequence-secret-sequence-secret-0123",
  /** v5 only: the first seals, all open. */
  secrets: ["sequence-new-secret-new-secret-01234", "sequence-old-secret-old-secret-01234"],

  /** The first field names the user, the second is the password. */
  credentials: {
    id: "credentials",
    name: "Credentials",
    fields: [
      { name: "username", label: "Username", type: "text" },
      { name: "password", label: "Password", type: "password" },
    ],
  },
  /** The first signs in. */
  users: [
    { username: "jsmith", password: "pw", user: { id: "1", name: "J Smith", email: "jsmith@example.test" } },
    { username: "akira", password: "correct horse battery staple", user: { id: "2", name: "Akira 彰", email: "akira@example.test", image: "https://img.example.test/akira.png" } },
  ],
  wrongPassword: "wrong",
  unknownUsername: "nobody-of-that-name",
  /** authorize throws for these user names. */
  throws: {
    error: { username: "boom", message: "Account locked" },
    coded: { username: "frozen", code: "locked" },
  },

  /** Where a sign-in wants to go, below the origin. */
  afterPath: "/after",
  homePath: "/home",
  rememberedPath: "/remembered",
  relativeUrl: "/inside?x=1#y",
  foreignUrl: "https://evil.example/x",
  badUrls: ["javascript:alert(1)", "not a url", "ftp://x.example/"],

  pages: {
    signIn: "/login",
    signOut: "/bye",
    error: "/oops",
    errorWithQuery: "/oops?from=auth",
    verifyRequest: "/check-mail",
    newUser: "/welcome",
    newUserWithQuery: "/welcome?x=1",
  },

  /** What the signIn hook does. */
  blocked: "/blocked?why=1",
  refusal: "no way",
  rename: "Renamed",
  padding: { claim: "pad", seed: "pad", length: 9000 },

  /** Lives in seconds. */
  session: { maxAge: 3600, updateAge: 60 },
  shortMaxAge: 600,
  jwtMaxAge: 7200,

  /** Claims of ready-made session tokens, and the life they were sealed with. */
  tokenMaxAge: 3600,
  fullClaims: { name: "Ada", email: "ada@example.test", picture: "https://img.example.test/a.png", sub: "42", role: "admin" },
  sparseClaims: { sub: "42", email: null },
  unicodeName: "Zoë 日本語 🎉",

  database: {
    user: { id: "u-1", name: "Dora", email: "dora@example.test", emailVerified: null, image: null },
    second: { id: "u-2", name: "Dora", email: "two@example.test", emailVerified: null, image: null },
    sessionToken: "db-token-1",
    unknownSessionToken: "db-token-9",
    authenticator: { credentialID: "Y3JlZC0x", userId: "u-1", providerAccountId: "Y3JlZC0x", credentialPublicKey: "cGs=", counter: 3, credentialDeviceType: "multiDevice", credentialBackedUp: true, transports: "internal,hybrid" },
  },

  email: {
    id: "email",
    name: "Email",
    from: "no-reply@example.test",
    maxAge: 86400,
    asTyped: "New.User@Example.TEST",
    normalised: "new.user@example.test",
    plain: "n@example.test",
    other: "m@example.test",
    fresh: "fresh@example.test",
  },

  oauth: {
    id: "acme",
    name: "Acme",
    clientId: "client-1",
    clientSecret: "secret-1",
    code: "code-1",
    scope: "read",
    oidcScope: "openid email profile",
    startQuery: "?login_hint=me&prompt=login&scope=wider",
    token: { access_token: "at-1", token_type: "bearer", scope: "read", expires_in: 3600, refresh_token: "rt-1" },
    profile: { id: 4242, name: "Octo", email: "Octo@Example.test", avatar: "https://img.example.test/o.png" },
    profileMembers: { id: "id", name: "name", email: "email", image: "avatar" },
    idToken: { sub: "oidc-7", name: "Oidc User", email: "Oidc@Example.test", picture: "https://img.example.test/i.png" },
    idTokenMembers: { id: "sub", name: "name", email: "email", image: "picture" },
  },

  passkey: { id: "passkey", name: "Passkey" },
}
