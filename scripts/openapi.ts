/** `npm run openapi`: writes the document to `openapi/` and its types for clients; with `--check` it only tells whether they are up to date. */

import { readFileSync, writeFileSync } from 'node:fs'
import { renderDocuments } from '../src/http/openapi/files.ts'
import { renderTypes } from './openapi-types.ts'

const check = process.argv.includes('--check')
let drifted = false
const documents = await renderDocuments()
const files = Object.entries(documents).map(([name, text]) => [`openapi/${name}`, text] as const)
const types = ['src/client/document.d.ts', await renderTypes(documents['openapi.json']!)] as const
for (const [path, text] of [...files, types]) {
  const file = new URL(`../${path}`, import.meta.url)
  if (!check) writeFileSync(file, text)
  else if (readFileSync(file, 'utf8') !== text) {
    drifted = true
    process.stderr.write(`${path} is not what the routes say; run: npm run openapi\n`)
  }
}
process.exit(drifted ? 1 : 0)
