import type { Metadata } from "next";

export const metadata: Metadata = { title: "Handbook" };

// The same for everybody who is signed in, and made when the application is built: no code runs for a visit that could ask
// who it is. proxy.ts alone guards it, and keeps caches from giving it to others.
export default function Handbook() {
  return (
    <main>
      <h1>Handbook</h1>
      <section className="card">
        <p data-testid="handbook">For people who are signed in.</p>
        <p>
          {/* Not a Link: this page is no part of the site's layout. */}
          <a className="button" href="/">
            To the start page
          </a>
        </p>
      </section>
    </main>
  );
}
