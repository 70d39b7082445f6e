import type { Metadata } from "next";
import type { ReactNode } from "react";

export const metadata: Metadata = {
  title: { default: "Notebook", template: "%s · Notebook" },
  icons: { icon: { url: "/icon.svg", type: "image/svg+xml" } },
};

export default function Root({ children }: { children: ReactNode }) {
  return (
    <html lang="en">
      <head>
        {/* In public/, because the refusals that proxy.ts writes wear it too. */}
        <link rel="stylesheet" href="/app.css" />
      </head>
      <body>{children}</body>
    </html>
  );
}
