// Plays recorded files back: every step is made from the file alone, sent to the packages again, and the
// answer compared with the recorded one. Shows that nothing outside a sequence is needed to repeat it.
//   node check.mjs [folder] [v4|v5]
import { spawnSync } from "node:child_process"
import { readFileSync } from "node:fs"
import path from "node:path"
import { fileURLToPath } from "node:url"
import { isDeepStrictEqual } from "node:util"
import { Recording } from "./recorder.mjs"

const self = fileURLToPath(import.meta.url)
const folder = path.resolve(process.argv[2] ?? path.join(path.dirname(self), "../../testdata/protocol"))
const dialect = process.argv[3]

/** A recorded step as a step to play; ready-made cookies go in as the literal tokens of the file. */
function toPlay({ now, request, capture, mayDiffer, note }, start) {
  const cookies = (request.setCookies ?? []).map(({ name, value, remove }) => (remove ? { name, remove } : { name, value }))
  return { ...request, cookies, after: now - start, capture, mayDiffer, note }
}

/** A step without what was only put in: seals are replaced by their tokens when played back. */
function comparable({ request: { setCookies, ...request }, ...step }) {
  return JSON.parse(JSON.stringify({ ...step, request }))
}

async function replay(sequence) {
  const start = sequence.steps[0].now
  const recording = new Recording(sequence.inputs, start)
  await recording.open()
  try {
    for (const [i, step] of sequence.steps.entries()) {
      const got = await recording.step(toPlay(step, start))
      if (!isDeepStrictEqual(comparable(got), comparable(step))) return `step ${i}: recorded\n${JSON.stringify(comparable(step))}\nplayed back\n${JSON.stringify(comparable(got))}`
    }
  } finally {
    await recording.close()
  }
}

if (dialect === undefined) {
  for (const one of ["v4", "v5"]) {
    const { status } = spawnSync(process.execPath, [self, folder, one], { stdio: "inherit", env: { PATH: process.env.PATH, NODE_ENV: "production" } })
    if (status !== 0) process.exitCode = 1
  }
} else {
  const { vectors } = JSON.parse(readFileSync(path.join(folder, `http-${dialect}.json`), "utf8"))
  let differ = 0
  for (const sequence of vectors) {
    const difference = await replay(sequence)
    if (difference === undefined) continue
    differ++
    console.log(`${sequence.name}: ${difference}`)
  }
  console.log(`http-${dialect}.json: ${vectors.length - differ} of ${vectors.length} play back`)
  process.exitCode = differ > 0 ? 1 : 0
}
