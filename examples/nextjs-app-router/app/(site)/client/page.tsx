import type { Metadata } from "next";
import { Profile } from "../../../components/Profile";

export const metadata: Metadata = { title: "In the browser" };

export default function Client() {
  return (
    <>
      <h1>In the browser</h1>
      <p>
        What <code>useSession()</code> knows. It is for what the page looks like; what somebody may do is decided on the server.
      </p>
      <Profile />
    </>
  );
}
