import { useEffect, useState } from "react";

// False until the page's scripts are running. A form that is sent before that would skip its onSubmit.
export function useReady(): boolean {
  const [ready, setReady] = useState(false);
  useEffect(() => setReady(true), []);
  return ready;
}
