// What the API must know, from the environment.
export function settings(env) {
  const issuer = env.ISSUER ?? "http://localhost:8787/api/auth";
  return {
    // Whose tokens are believed: the address people see plus the base path, to the last letter. It is the claim `iss`.
    issuer,
    // Who we are: tokens for other APIs are not for us. It is the claim `aud`.
    audience: env.AUDIENCE ?? "http://localhost:4000",
    // Where Gatehouse is asked, if there is a shorter way than through the issuer's public address.
    gatehouse: env.GATEHOUSE_INTERNAL ?? issuer,
    // Only for the route with the shared secret: the one that gatehouse.yaml has for that audience.
    legacyAudience: env.LEGACY_AUDIENCE ?? "http://localhost:4000/legacy",
    jwtSecret: env.JWT_SECRET,
    // Only for the route that introspects: this API as a client of Gatehouse.
    clientId: env.CLIENT_ID ?? "orders-api",
    clientSecret: env.CLIENT_SECRET,
  };
}
