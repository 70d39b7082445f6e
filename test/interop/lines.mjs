// One JSON object in, one JSON object out, line by line and in order, until standard input ends.
import { createInterface } from "node:readline"
import { atTime } from "../../scripts/vectors/clock.mjs"

// The packages read settings from the environment; here every setting comes with its line.
for (const name of Object.keys(process.env)) if (/^(NEXTAUTH|AUTH_|VERCEL)/.test(name)) delete process.env[name]

/**
 * Answers every line with what `answer` makes of it. A member `now` (Unix seconds) stops the packages'
 * clock there for that line. Whatever goes wrong with a line is its answer: {"error": "…"}.
 */
export async function eachLine(answer) {
  for await (const line of createInterface({ input: process.stdin, crlfDelay: Infinity })) {
    if (line.trim() === "") continue
    let result
    try {
      const given = JSON.parse(line)
      result = given.now === undefined ? await answer(given) : await atTime(given.now, () => answer(given))
    } catch (problem) {
      result = { error: String(problem?.message ?? problem) }
    }
    process.stdout.write(JSON.stringify(result) + "\n")
  }
}
