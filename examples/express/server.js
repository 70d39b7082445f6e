import { createApp } from "./app.js";
import { settings } from "./settings.js";

// Loopback alone: a proxy, or the Next.js example, stands in front.
const server = createApp(settings(process.env)).listen(Number(process.env.PORT ?? 4000), "127.0.0.1", (error) => {
  if (error) throw error;
  console.log(`The API listens on http://127.0.0.1:${server.address().port}`);
});

for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => server.close(() => process.exit(0)));
