/**
 * Makes clients from a document with three generators: `generate-clients.ts <document> <directory>`. It is a process of its own,
 * since two of them need the compiler API of TypeScript 5, which 7 has no more.
 */

import { writeFileSync } from 'node:fs'
import { registerHooks } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

const [document = '', directory = ''] = process.argv.slice(2)
registerHooks({
  resolve: (specifier, context, next) =>
    next(specifier === 'typescript' ? 'typescript-5' : specifier, context),
})

const { default: openapiTS, astToString } = await import('openapi-typescript')
writeFileSync(join(directory, 'types.ts'), astToString(await openapiTS(pathToFileURL(document))))

const { createClient } = await import('@hey-api/openapi-ts')
await createClient({
  input: document,
  output: join(directory, 'hey-api'),
  logs: { level: 'error', file: false },
})

const { generate } = await import('orval')
await generate({
  input: document,
  output: { target: join(directory, 'orval.ts'), client: 'fetch', mode: 'single' },
})
