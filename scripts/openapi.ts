/** `npm run openapi`: writes the document to `openapi/`; with `--check` it only tells whether that is up to date. */

import { readFileSync, writeFileSync } from 'node:fs'
import { renderDocuments } from '../src/openapi-files.ts'

const check = process.argv.includes('--check')
let drifted = false
for (const [name, text] of Object.entries(await renderDocuments())) {
  const file = new URL(`../openapi/${name}`, import.meta.url)
  if (!check) writeFileSync(file, text)
  else if (readFileSync(file, 'utf8') !== text) {
    drifted = true
    process.stderr.write(`openapi/${name} is not what the routes say; run: npm run openapi\n`)
  }
}
process.exit(drifted ? 1 : 0)
