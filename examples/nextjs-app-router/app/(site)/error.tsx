"use client";

// What a page shows in its place when it throws. In production an error of the server says no more than its digest.
export default function Trouble({ error, retry }: { error: unknown; retry: () => void }) {
  const outage = typeof error === "object" && error !== null && "digest" in error && error.digest === "GATEHOUSE_UNAVAILABLE";
  return (
    <>
      <h1>{outage ? "Service unavailable" : "That did not work"}</h1>
      <section className="card" role="alert">
        <p data-testid="error">
          {outage
            ? "Nobody can tell who is signed in at the moment. If you were signed in, you still are: try again soon."
            : "Something went wrong, or your session has ended. Load the page again to see which."}
        </p>
        <p>{outage ? <button onClick={retry}>Try again</button> : <button onClick={() => location.reload()}>Load the page again</button>}</p>
      </section>
    </>
  );
}
