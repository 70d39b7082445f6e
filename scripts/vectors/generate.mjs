// Records http-v4.json and http-v5.json.
//   node generate.mjs [profile.mjs] [output folder]
import assert from "node:assert/strict"
import { spawnSync } from "node:child_process"
import { mkdirSync, readFileSync, writeFileSync } from "node:fs"
import path from "node:path"
import { fileURLToPath, pathToFileURL } from "node:url"
import { placeholders } from "./patterns.mjs"
import { record } from "./recorder.mjs"
import { core } from "./scenarios-core.mjs"
import { database } from "./scenarios-database.mjs"
import { oauth } from "./scenarios-oauth.mjs"
import { needs, vocabulary } from "./script.mjs"

const self = fileURLToPath(import.meta.url)
const here = path.dirname(self)
const readJSON = (file) => JSON.parse(readFileSync(file, "utf8"))
const packages = readJSON(path.join(here, "package.json")).dependencies

const about = "Request and answer sequences recorded from the published packages. Everything a handler was told is in a sequence's inputs. The packages' clock stood at each step's now; scripts/vectors/README.md tells how to read a step."

/** The v5 package in next-auth-v5 is a layer over @auth/core: both pins must name the same release of it. */
function checkPins() {
  const layer = readJSON(path.join(here, "node_modules/next-auth-v5/package.json"))
  assert.equal(layer.dependencies["@auth/core"], packages["@auth/core"], "next-auth-v5 and @auth/core belong together")
  for (const [name, pin] of Object.entries(packages)) assert.equal(readJSON(path.join(here, "node_modules", name, "package.json")).version, pin.replace(/^npm:.*@/, ""), `installed release of ${name}`)
}

async function recordDialect(profile, dialect) {
  const words = vocabulary(profile, dialect)
  core(words)
  oauth(words)
  database(words)
  // The v5 package remembers for the life of the process that it saw an e-mail or passkey provider and
  // asks for an adapter from then on: sequences without rows come first.
  const order = [...words.queue.filter((one) => !one.inputs.database), ...words.queue.filter((one) => one.inputs.database)]
  const vectors = []
  for (const scenario of order) vectors.push(await record(scenario, profile.now))
  assert.equal(new Set(vectors.map((one) => one.name)).size, vectors.length, "every name once")
  return { format: 1, schema: "gatehouse.sequences/1", about, packages, issuedAt: profile.now, placeholders, needs, vectors }
}

const profilePath = path.resolve(process.argv[2] ?? path.join(here, "profile.mjs"))
const outFolder = path.resolve(process.argv[3] ?? path.join(here, "../../testdata/protocol"))
const dialect = process.argv[4]

if (dialect === undefined) {
  checkPins()
  mkdirSync(outFolder, { recursive: true })
  // The packages read settings from the environment; a recording has its settings in the sequences alone.
  const clean = Object.entries(process.env).filter(([name]) => !/^(NEXTAUTH|AUTH|VERCEL|CF_PAGES)/.test(name))
  const env = { ...Object.fromEntries(clean), NODE_ENV: "production" }
  // One process for each dialect: both packages keep state between configurations.
  for (const one of ["v4", "v5"]) {
    const { status } = spawnSync(process.execPath, [self, profilePath, outFolder, one], { stdio: "inherit", env })
    if (status !== 0) process.exitCode = 1
  }
} else {
  const { default: profile } = await import(pathToFileURL(profilePath))
  const file = await recordDialect(profile, dialect)
  writeFileSync(path.join(outFolder, `http-${dialect}.json`), JSON.stringify(file, null, 1) + "\n")
  console.log(`http-${dialect}.json: ${file.vectors.length} sequences, ${file.vectors.reduce((n, one) => n + one.steps.length, 0)} requests`)
}
