import type { Session } from "next-auth";

// A session's members as a list. `id` begins the data-testid of each value: profile-email, profile-roles, …
export function Facts({ id, session }: { id: string; session: Session }) {
  const { user, expires } = session;
  return (
    <dl>
      <dt>Name</dt>
      <dd data-testid={`${id}-name`}>{user.name ?? "–"}</dd>
      <dt>E-mail</dt>
      <dd data-testid={`${id}-email`}>{user.email ?? "–"}</dd>
      <dt>Roles</dt>
      <dd data-testid={`${id}-roles`}>{user.roles?.join(", ") || "–"}</dd>
      <dt>User</dt>
      <dd data-testid={`${id}-user`}>
        <code>{user.id}</code>
      </dd>
      <dt>Valid until</dt>
      <dd data-testid={`${id}-expires`}>
        <time dateTime={expires}>{expires.slice(0, 16).replace("T", " ")} UTC</time>
      </dd>
    </dl>
  );
}
