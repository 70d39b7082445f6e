// A second set of inputs: nothing it shares with the first by accident of value. A replay that passes
// with both has taken what it knows from the sequences alone.
export default {
  now: 1900000001,

  origin: "http://127.0.0.1:8123",
  secureOrigin: "https://sub.portal.example:8443",
  basePath: "/auth",
  otherBasePath: "/nested/path/of/auth",

  secret: "ключ для последовательностей 🔑 0123456789",
  secrets: ["zeta, with a comma, and more of it 98", "eta-eta-eta-eta-eta-eta-eta-eta-7654", "theta-theta-theta-theta-theta-32101"],

  credentials: {
    id: "members",
    name: "Members & friends",
    fields: [
      { name: "email", label: "E-mail", type: "email" },
      { name: "password", label: "Passphrase", type: "password" },
    ],
  },
  users: [
    { username: "zoe+tag@members.example", password: "päss wörd & more=100%", user: { id: "usr-å-77", name: "Zoë \"Z\" <O'Brien>", email: "zoe+tag@members.example", image: "https://cdn.example/z?size=1&v=2" } },
    { username: "second@members.example", password: "second second second", user: { id: "usr-78", email: "second@members.example" } },
  ],
  wrongPassword: "pass word & more=100%",
  unknownUsername: "stranger@members.example",
  throws: {
    error: { username: "crash@members.example", message: "Zürich & co: 100% (later) it's *closed*" },
    coded: { username: "halt@members.example", code: "too many tries" },
  },

  afterPath: "/landing/page?tab=a%20b&x=y",
  homePath: "/start#top",
  rememberedPath: "/kept/ünïcode?q=1",
  relativeUrl: "/deep/er?p=%2F&q=1+2#frag",
  foreignUrl: "http://127.0.0.1:8124/near-miss",
  badUrls: ["data:text/html,x", "http://", "mailto:a@b.example"],

  pages: {
    signIn: "/ui/enter",
    signOut: "/ui/leave",
    error: "/ui/trouble",
    errorWithQuery: "/ui/trouble?lang=de&v=2",
    verifyRequest: "/ui/mailbox",
    newUser: "/ui/hello",
    newUserWithQuery: "/ui/hello?step=2",
  },

  blocked: "/closed/today?until=9%3A00",
  refusal: "not today: 5% & rising",
  rename: "Umbenannt 改名",
  padding: { claim: "ballast", seed: "q", length: 12345 },

  session: { maxAge: 5400, updateAge: 900 },
  shortMaxAge: 61,
  jwtMaxAge: 86399,

  tokenMaxAge: 1801,
  fullClaims: { name: "Grace", email: "grace@members.example", picture: "https://cdn.example/g.png", sub: "9007199254740991", level: 7, tags: ["a", { b: null }] },
  sparseClaims: { sub: "0", name: null },
  unicodeName: "Ωmega\u2028line \\ \"q\"",

  database: {
    user: { id: "row-10", name: null, email: "ten@members.example", emailVerified: "2029-05-05T05:05:05.500Z", image: "https://cdn.example/10.png" },
    second: { id: "row-11", name: "Eleven", email: "eleven@members.example", emailVerified: null, image: null },
    sessionToken: "token%20with/odd=characters",
    unknownSessionToken: "no-such-token",
    authenticator: { credentialID: "b3RoZXItY3JlZA==", userId: "row-10", providerAccountId: "b3RoZXItY3JlZA==", credentialPublicKey: "a2V5", counter: 0, credentialDeviceType: "singleDevice", credentialBackedUp: false, transports: "usb" },
  },

  email: {
    id: "letter",
    name: "Letter",
    from: "post@members.example",
    maxAge: 1200,
    asTyped: "  ÄRA+Box@Members.EXAMPLE ",
    normalised: "ära+box@members.example",
    plain: "p@members.example",
    other: "o@members.example",
    fresh: "f@members.example",
  },

  oauth: {
    id: "globex",
    name: "Globex",
    clientId: "gx:client",
    clientSecret: "gx/secret+1",
    code: "abc.def",
    scope: "profile:read mail:read",
    oidcScope: "openid email",
    startQuery: "?prompt=consent&ui_locales=de",
    token: { access_token: "gx-access", token_type: "bearer", expires_in: 60 },
    profile: { uid: "u/55", label: "Five Five", mail: "Five@Globex.example", photo: null },
    profileMembers: { id: "uid", name: "label", email: "mail", image: "photo" },
    idToken: { sub: "gx|9", name: "Nine", email: "nine@globex.example", picture: "https://cdn.example/9.png" },
    idTokenMembers: { id: "sub", name: "name", email: "email", image: "picture" },
  },

  passkey: { id: "key", name: "Device key" },
}
