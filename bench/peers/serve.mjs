// One server on a free port of 127.0.0.1, and the line by which the bench knows what to ask it.
import { createServer } from "node:http"

/**
 * routes: path to (request, response). requests, each:
 *
 *   name          what is measured
 *   method, path, headers, body   the request
 *   has           text that the body of the right answer has
 *   setCookie     text that a Set-Cookie line of the right answer has; empty when there is none
 *   control       members that replace those above, for the same request without the credential
 *   status        of the control's answer, whose body must not have what "has" says
 */
export function serve(routes, requests) {
  const server = createServer((request, response) => {
    const path = request.url.split("?", 1)[0]
    Promise.resolve(routes[path] ? routes[path](request, response) : notFound(response)).catch((error) => {
      console.error(error)
      response.statusCode = 500
      response.end("failed")
    })
  })
  server.keepAliveTimeout = 120_000
  server.listen(0, "127.0.0.1", async () => {
    const address = `127.0.0.1:${server.address().port}`
    console.log(JSON.stringify({ address, requests: await requests(address) }))
  })
}

function notFound(response) {
  response.statusCode = 404
  response.end("not found")
}

/** The cookies that a first answer there sets: a browser brings them from then on. */
export async function cookiesOf(url) {
  const answer = await fetch(url)
  return answer.headers.getSetCookie().map((line) => line.split(";", 1)[0]).join("; ")
}

/** Sends JSON as frameworks do: with its length. */
export function json(response, value) {
  const text = JSON.stringify(value)
  response.setHeader("Content-Type", "application/json; charset=utf-8")
  response.setHeader("Content-Length", Buffer.byteLength(text))
  response.end(text)
}

export const secret = "the secret of the peers, 0123456789abcdef"
export const ada = { name: "Ada Lovelace", email: "ada@bench.example" }
