// Whether a document is OpenAPI: by the schema of the OpenAPI Initiative, which leaves JSON Schemas out, by
// JSON Schema's own (2020-12) for each of these, and by its references, which must lead somewhere.
//
//   in:  {"document": {…}}
//   out: {"valid": true, "version": "3.1", "schemas": 120} or {"valid": false, "errors": …}
import { Validator } from "@seriousme/openapi-schema-validator"
import Ajv from "ajv/dist/2020.js"
import { eachLine } from "./lines.mjs"

const ajv = new Ajv.default({ strict: false })

function* schemasIn(node, name) {
  if (node === null || typeof node !== "object") return
  if (name === "schema") yield node
  else if (name === "schemas") yield* Object.values(node)
  else for (const [member, value] of Object.entries(node)) yield* schemasIn(value, member)
}

function* refsIn(node) {
  if (node === null || typeof node !== "object") return
  if (typeof node.$ref === "string") yield node.$ref
  for (const value of Object.values(node)) yield* refsIn(value)
}

await eachLine(async ({ document }) => {
  const validator = new Validator()
  const { valid, errors } = await validator.validate(structuredClone(document))
  if (!valid) return { valid, errors }
  const schemas = [...schemasIn(document)]
  for (const schema of schemas) if (!ajv.validateSchema(schema)) return { valid: false, errors: ajv.errors }
  for (const ref of refsIn(document)) {
    const found = ref.startsWith("#/") && ref.slice(2).split("/").reduce((at, part) => at?.[part], document)
    if (!found) return { valid: false, errors: `${ref} is nowhere` }
  }
  return { valid, version: validator.version, schemas: schemas.length }
})
