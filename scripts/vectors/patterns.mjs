// Placeholders: how a value that differs on every run is written down, and what may stand in its place.

/** Every placeholder of the recorded files with its meaning and a regular expression (RE2 and JavaScript agree on all of them). */
export const placeholders = {
  "<jwe>": { about: "a compact JWE; what is sealed in it is listed in the answer's tokens", pattern: "[\\w-]+\\.[\\w-]*\\.[\\w-]+\\.[\\w-]+\\.[\\w-]+" },
  "<chunk>": { about: "one piece of a JWE too long for one cookie; length is given beside it", pattern: "[\\w.-]+" },
  "<hex64>": { about: "64 lower-case hexadecimal digits", pattern: "[0-9a-f]{64}" },
  "<uuid>": { about: "a random UUID, version 4", pattern: "[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}" },
  "<random43>": { about: "32 random bytes as 43 base64url characters", pattern: "[\\w-]{43}" },
  "<random>": { about: "some other random text of the base64url alphabet", pattern: "[\\w-]+" },
  "<upstream>": { about: "base URL of the upstream, without a trailing slash", pattern: "http://127\\.0\\.0\\.1:[0-9]+" },
}

const escaped = (text) => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")

const random = [
  [/eyJ[\w-]{10,}\.[\w-]*\.[\w-]+\.[\w-]+\.[\w-]+/g, "<jwe>"],
  [/(?<![0-9a-f])[0-9a-f]{64}(?![0-9a-f])/g, "<hex64>"],
  [/\b[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}\b/g, "<uuid>"],
  [/\b(state|nonce|code_challenge)=[\w-]{43}(?![\w-])/g, "$1=<random43>"],
]

/** Applies `change` to every text inside a JSON value. */
export function mapText(value, change) {
  if (typeof value === "string") return change(value)
  if (Array.isArray(value)) return value.map((one) => mapText(one, change))
  if (value && typeof value === "object") return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, mapText(one, change)]))
  return value
}

/** Puts placeholders for what is random. `known` are values with a name of their own: text to placeholder. */
export function mask(value, known = {}) {
  return mapText(value, (text) => {
    for (const [literal, name] of Object.entries(known)) text = text.replace(new RegExp(escaped(literal), "g"), name)
    return random.reduce((sofar, [find, name]) => sofar.replace(find, name), text)
  })
}

/** Puts captured variables for {{name}}. A name nobody captured is a mistake in the scenario. */
export function fill(value, variables) {
  return mapText(value, (text) => text.replace(/\{\{(\w+)\}\}/g, (_, name) => {
    if (variables[name] === undefined) throw new Error(`{{${name}}} was not captured before it was used`)
    return variables[name]
  }))
}
