// An administrator's program, as somebody would write it on the types that openapi-typescript makes out of
// /api/v1/openapi.json (management.d.ts, made by the test). It is type-checked, and then it runs: what is
// marked ts-expect-error must be refused by the types, and the rest is asserted of the server.
//
//   GATEHOUSE_MANAGEMENT   the address of the API, …/api/v1
//   GATEHOUSE_API_KEY      a key that may do everything
//
// It prints what it has made, for the test to look for on the other side.
import assert from "node:assert/strict"
import createClient from "openapi-fetch"
import type { components, operations, paths } from "./management.js"

type Problem = components["schemas"]["Problem"]

const baseUrl = process.env.GATEHOUSE_MANAGEMENT
const key = process.env.GATEHOUSE_API_KEY
assert.ok(baseUrl && key, "GATEHOUSE_MANAGEMENT and GATEHOUSE_API_KEY say what to ask, and as whom")

const as = (credential: Record<string, string>) => createClient<paths>({ baseUrl, headers: credential })
const admin = as({ "x-api-key": key })

/** The answer must be that; data is of the type of the success. */
function good<T>(status: number, r: { data?: T; error?: unknown; response: Response }): T {
  assert.equal(r.response.status, status, JSON.stringify(r.error))
  return r.data as T
}

/** The answer must be a problem document with that code. The types know it as one, whatever the operation. */
function refused(status: number, code: string, r: { error?: Problem; response: Response }): Problem {
  assert.equal(r.response.status, status, JSON.stringify(r.error))
  assert.match(r.response.headers.get("content-type") ?? "", /^application\/problem\+json/)
  const problem = r.error
  assert.ok(problem)
  assert.equal(problem.code, code)
  assert.equal(problem.status, status)
  assert.ok(problem.title && problem.detail && problem.reference, JSON.stringify(problem))
  return problem
}

// Who asks, by either header; and nobody.
const self = good(200, await admin.GET("/self"))
assert.deepEqual(self.roles, ["gatehouse.admin"])
assert.ok(self.permissions.includes("gatehouse.users:write"))
assert.equal(good(200, await as({ authorization: `Bearer ${key}` }).GET("/self")).api_key_id, self.api_key_id)
refused(401, "signed_out", await as({}).GET("/self"))

// A role, and what the types refuse of one.
const role = good(201, await admin.POST("/roles", { body: { name: "clerk", permissions: ["orders:*", "gatehouse.users:read"] } }))
assert.deepEqual(role.effective.toSorted(), ["gatehouse.users:read", "orders:*"])
const origin: "built_in" | "config" | "stored" = role.origin
assert.equal(origin, "stored")
// @ts-expect-error a role has a name
refused(400, "invalid_request", await admin.POST("/roles", { body: { permissions: [] } }))
// @ts-expect-error no schema knows that member
const assigned: components["schemas"]["CreateUser"] = { username: "mallory", epoch: 7 }
refused(400, "invalid_request", await admin.POST("/users", { body: assigned }))
refused(400, "invalid_request", await admin.POST("/roles", { body: { name: "wrong", permissions: ["orders"] } }))

// Users, each made once however often the request comes.
const once = { header: { "Idempotency-Key": "import-2026-11-22/ada" } }
const ada = { email: "ada@example.test", name: "Ada Lovelace", roles: ["clerk"] }
const first = await admin.POST("/users", { params: once, body: ada })
const made = good(201, first)
assert.equal(first.response.headers.get("location"), `/api/v1/users/${made.id}`)
assert.equal(first.response.headers.get("idempotency-replayed"), null)
const again = await admin.POST("/users", { params: once, body: ada })
assert.equal(good(201, again).id, made.id)
assert.equal(again.response.headers.get("idempotency-replayed"), "true")
refused(422, "idempotency_key_reused", await admin.POST("/users", { params: once, body: { ...ada, name: "Eve" } }))
refused(409, "identifier_taken", await admin.POST("/users", { body: { email: ada.email } }))
for (const username of ["grace", "alan", "edsger", "barbara"]) good(201, await admin.POST("/users", { body: { username } }))

// A key of a service, which may do what its role may.
const service = good(201, await admin.POST("/api-keys", { body: { name: "shop", roles: ["clerk"], lifetime_seconds: 3600 } }))
assert.match(service.key ?? "", /^gh_[a-z]+_/)
const shop = as({ "x-api-key": service.key ?? "" })
refused(403, "forbidden", await shop.POST("/users", { body: { username: "mallory" } }))
refused(403, "forbidden", await shop.DELETE("/users/{user}", { params: { path: { user: made.id }, header: { "If-Match": "*" } } }))

// All pages, everybody once.
const seen = new Set<string>()
let pages = 0
let query: NonNullable<operations["listUsers"]["parameters"]["query"]> = { limit: 2 }
for (;;) {
  const page = await shop.GET("/users", { params: { query } })
  const { items, next } = good(200, page)
  for (const user of items) {
    assert.ok(!seen.has(user.id), `${user.id} comes twice`)
    seen.add(user.id)
  }
  pages++
  assert.equal(/rel="next"/.test(page.response.headers.get("link") ?? ""), next !== undefined)
  if (next === undefined) break
  query = { ...query, cursor: next }
}
assert.deepEqual([seen.size, pages], [5, 3])
assert.equal(refused(400, "invalid_request", await shop.GET("/users", { params: { query: { limit: 0 } } })).field, "limit")
// @ts-expect-error the limit is a number
refused(400, "invalid_request", await shop.GET("/users", { params: { query: { limit: "ten" } } }))

// Of two who have read the same version, the second does not win unawares.
const at = { user: made.id }
const etag = (await admin.GET("/users/{user}", { params: { path: at } })).response.headers.get("etag") ?? ""
const change = (tag: string, name: string) =>
  admin.PATCH("/users/{user}", { params: { path: at, header: { "If-Match": tag } }, body: { name } })
const changed = await change(etag, "Countess of Lovelace")
assert.equal(good(200, changed).name, "Countess of Lovelace")
refused(412, "version_changed", await change(etag, "Somebody else"))
assert.notEqual(changed.response.headers.get("etag"), etag)
assert.equal(good(200, await change(changed.response.headers.get("etag") ?? "", "Ada King")).name, "Ada King")
// @ts-expect-error a change says which version it has seen
refused(428, "version_needed", await admin.PATCH("/users/{user}", { params: { path: at }, body: { name: "Eve" } }))

// What is not there, and what is there no more.
refused(404, "not_found", await admin.GET("/users/{user}", { params: { path: { user: "usr_01999999-0000-7000-8000-000000000000" } } }))
const eve = good(201, await admin.POST("/users", { body: { username: "eve" } }))
const gone = await admin.DELETE("/users/{user}", { params: { path: { user: eve.id }, header: { "If-Match": "*" } } })
assert.ok(gone.response.ok, JSON.stringify(gone.error))
refused(404, "not_found", await admin.GET("/users/{user}", { params: { path: { user: eve.id } } }))

// A revoked key is nobody's, at once.
good(200, await shop.GET("/self"))
good(200, await admin.POST("/api-keys/{key}/revoke", { params: { path: { key: service.id } } }))
refused(401, "invalid_api_key", await shop.GET("/self"))

console.log(JSON.stringify({ user: made.id, key: service.id, name: "Ada King" }))
