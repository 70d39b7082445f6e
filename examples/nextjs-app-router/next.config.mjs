// Read by `next build`, which writes the rewrite into .next: `next start` does not look again.
const gatehouse = process.env.GATEHOUSE_URL ?? "http://127.0.0.1:8787";

/** @type {import("next").NextConfig} */
export default {
  rewrites: async () => [{ source: "/api/auth/:path*", destination: `${gatehouse}/api/auth/:path*` }],
};
