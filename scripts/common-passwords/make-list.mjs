// Makes internal/password/common.txt (and what stands beside it) from the
// list of common passwords in the npm package named in package.json.
//
//   npm install --no-save --no-package-lock && node make-list.mjs
//
// The same package version always gives the same bytes.
import { readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const here = dirname(fileURLToPath(import.meta.url))
const room = join(here, '..', '..', 'internal', 'password')
const name = '@zxcvbn-ts/language-common'
const require = createRequire(import.meta.url)

const wanted = JSON.parse(readFileSync(join(here, 'package.json'), 'utf8')).devDependencies[name]
const folder = dirname(dirname(require.resolve(name))) // .../dist/index.cjs
const found = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
if (found.version !== wanted || found.license !== 'MIT') {
  throw new Error(`${name}: want ${wanted} under MIT, found ${found.version} under ${found.license}`)
}

// Most common first. Lower case as the check compares folded text.
const ranked = require(name).dictionary['passwords-common'].map((p) => p.toLowerCase())

// No policy allows a password under 8 code points, so shorter entries matter
// only as the core of a longer one ("monkey" in "monkeymonkey2024"). Words of
// five letters and more do that; shorter ones would refuse too much.
const wholePassword = (p) => [...p].length >= 8
const core = (p) => /^[a-z]{5,}$/.test(p)
const odd = ranked.find((p) => /[^\x21-\x7e]/.test(p))
if (odd !== undefined) throw new Error(`entry outside printable ASCII: ${JSON.stringify(odd)}`)

// Array.prototype.sort compares code units; on ASCII that is the byte order
// the binary search in common.go relies on.
const kept = [...new Set(ranked.filter((p) => wholePassword(p) || core(p)))].sort()
const top = [...new Set(ranked.filter(wholePassword))].slice(0, 3000)

writeFileSync(join(room, 'common.txt'), kept.join('\n') + '\n')
writeFileSync(join(room, 'testdata', 'top3000.txt'), top.join('\n') + '\n')
writeFileSync(
  join(room, 'common.LICENSE.txt'),
  `common.txt and testdata/top3000.txt are made from ${name} ${found.version},\n` +
    `which is distributed under this licence:\n\n` +
    readFileSync(join(folder, 'LICENSE.txt'), 'utf8').trimEnd() + '\n',
)
console.log(`${kept.length} entries kept of ${ranked.length}; ${kept.filter(wholePassword).length} of 8 characters or more`)
