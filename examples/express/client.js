// GatehouseClient signs in, sends the access token with each call, refreshes it when it has expired, and signs out. For
// programs and native applications; in a browser the session cookie is the better place, because no script can read it.
export class GatehouseClient {
  #settings;
  #tokens = null; // { access, refresh }
  #refreshing = null; // the one refresh that is under way

  // clientId only where gatehouse.yaml lists this program as a client; without one it is the application itself.
  constructor({ issuer, audience, clientId }) {
    this.#settings = { issuer, audience, clientId };
  }

  get signedIn() {
    return this.#tokens !== null;
  }

  // accessToken is the present one, for those who call in another way than by fetch.
  get accessToken() {
    return this.#tokens?.access;
  }

  async signIn(identifier, password) {
    const { audience, clientId } = this.#settings;
    const answer = await this.#ask("token", {
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ identifier, password, audience, client_id: clientId }),
    });
    if (!answer.ok) throw await trouble("sign in", answer);
    this.#keep(await answer.json());
  }

  // fetch is the fetch of the platform with the token attached. On a 401 it refreshes and tries once more, so a body must be
  // one that can be sent twice.
  async fetch(url, options = {}) {
    const used = this.#tokens;
    if (!used) throw new SignedOut();
    const answer = await this.#send(url, options, used);
    if (answer.status !== 401) return answer;
    await answer.body?.cancel();
    // Somebody else may have refreshed while we were under way: then the new token is there already.
    if (this.#tokens === used) await this.refresh();
    if (!this.#tokens) throw new SignedOut();
    return this.#send(url, options, this.#tokens);
  }

  // refresh takes new tokens. However many calls find that theirs has expired, there is one refresh.
  refresh() {
    this.#refreshing ??= this.#refresh().finally(() => (this.#refreshing = null));
    return this.#refreshing;
  }

  // signOut ends the tokens at Gatehouse, this access token and all refresh tokens that came from one sign-in. They are
  // forgotten here in any case.
  async signOut() {
    const tokens = this.#tokens;
    this.#tokens = null;
    if (!tokens) return;
    const answer = await this.#form("revoke", { token: tokens.refresh, token_type_hint: "refresh_token" });
    if (!answer.ok) throw await trouble("sign out", answer);
  }

  async #refresh() {
    const used = this.#tokens;
    if (!used) throw new SignedOut();
    const answer = await this.#form("refresh", { grant_type: "refresh_token", refresh_token: used.refresh });
    if (answer.ok) {
      const fresh = await answer.json();
      if (this.#tokens === used) this.#keep(fresh); // unless somebody signed out meanwhile
      return;
    }
    // Refused is the end of these tokens. Anything else (503, no network) passes, and the tokens are kept.
    if (answer.status === 400 || answer.status === 401) {
      if (this.#tokens === used) this.#tokens = null;
      throw new SignedOut();
    }
    throw await trouble("refresh", answer);
  }

  #keep({ access_token: access, refresh_token: refresh }) {
    this.#tokens = { access, refresh };
  }

  #send(url, options, tokens) {
    const headers = new Headers(options.headers);
    headers.set("Authorization", `Bearer ${tokens.access}`);
    return fetch(url, { ...options, headers });
  }

  #form(path, fields) {
    const { clientId } = this.#settings;
    return this.#ask(path, { body: new URLSearchParams({ ...fields, ...(clientId && { client_id: clientId }) }) });
  }

  #ask(path, request) {
    return fetch(`${this.#settings.issuer}/${path}`, { method: "POST", redirect: "error", signal: AbortSignal.timeout(10_000), ...request });
  }
}

// SignedOut: the tokens are no good any more, and no refresh makes them so. Sign in again.
export class SignedOut extends Error {
  constructor() {
    super("signed out");
    this.name = "SignedOut";
  }
}

async function trouble(what, answer) {
  const problem = await answer.json().catch(() => ({}));
  return new Error(`cannot ${what}: ${answer.status} ${problem.detail ?? problem.error_description ?? problem.error ?? ""}`);
}
