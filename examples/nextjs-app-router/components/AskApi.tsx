"use client";

import { useState } from "react";
import { useReady } from "../lib/use-ready";

// A button that calls a route handler and shows how it answered.
export function AskApi({ path, id }: { path: string; id: string }) {
  const ready = useReady();
  const [answer, setAnswer] = useState<{ status: number; body: string } | null>(null);

  async function ask() {
    setAnswer(null);
    const response = await fetch(path);
    setAnswer({ status: response.status, body: await response.text() });
  }

  return (
    <div className="ask">
      <button className="quiet" data-testid={`${id}-ask`} disabled={!ready} onClick={ask}>
        GET {path}
      </button>
      {answer && (
        <output>
          <strong data-testid={`${id}-status`}>{answer.status}</strong> <code data-testid={`${id}-body`}>{answer.body}</code>
        </output>
      )}
    </div>
  );
}
