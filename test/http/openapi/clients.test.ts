/** Clients that three generators make of both editions: they compile strictly, know each result by its kind, and work. */

import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { rolldown } from 'rolldown'
import { expect, test } from 'vitest'
import { KIND_NAMES } from '../../../src/operations/kinds/kinds.ts'
import { KEY, startWorld, temporaryDirectory } from '../../helper.ts'
import { runScript } from '../../programs.ts'

/** What a user writes who needs no cast; the type of an operation comes from one of the clients. */
const readsResults = (importOperation: string): string => `
${importOperation}
export function tell(operation: Operation): string {
  if (operation.error !== null) return operation.error.code + (operation.error.errors?.[0]?.field ?? '')
  switch (operation.kind) {
    case 'snapshot.list':
      return operation.result?.snapshots?.map(({ name }) => name).join() ?? 'not recognised'
    case 'stats.load':
      return operation.result?.observed_at ?? 'running'
    case 'snapshot.create':
    case 'snapshot.delete':
    case 'snapshot.restore': {
      const settledBy: 'callback' | 'look' | undefined = operation.result?.settled_by
      return [settledBy ?? 'running', ...(operation.result?.discarded ?? [])].join()
    }
  }
}
`
const CLIENTS: Record<string, string> = {
  'openapi-typescript':
    "import type { components } from './types'; type Operation = components['schemas']['Operation']",
  'hey-api': "import type { Operation } from './hey-api'",
  orval: "import type { Operation } from './orval'",
}

/** A program that takes a snapshot with the client of @hey-api/openapi-ts. */
const TAKES_A_SNAPSHOT = `
import { createSnapshot, getOperation } from './hey-api'
import { client } from './hey-api/client.gen'
import { tell } from './hey-api.use'

const [, , baseUrl = '', key = ''] = process.argv
client.setConfig({ baseUrl, auth: key })
const created = await createSnapshot({
  path: { vm_id: 1000 },
  headers: { Prefer: 'wait=10', 'Idempotency-Key': 'generated-1' },
  body: { name: 'generated' },
})
if (created.data === undefined) throw new Error(created.error.detail)
const seen = await getOperation({ path: { operation_id: created.data.id } })
if (seen.data === undefined) throw new Error(seen.error.detail)
process.stdout.write(seen.data.status + ' ' + tell(seen.data) + '\\n')
const refused = await createSnapshot({ path: { vm_id: 1000 }, body: { name: '..' } })
process.stdout.write(String(refused.error?.errors?.[0]?.field) + '\\n')
`

/** Makes the clients and what uses them, in a directory of their own. */
async function generate(document: string): Promise<string> {
  const directory = temporaryDirectory()
  const generator = runScript('test/http/openapi/generate-clients.ts', {
    args: [resolve('openapi', document), directory],
    cwd: directory,
  })
  expect([await generator.ended, generator.stderr]).toEqual([0, []])
  for (const [name, importOperation] of Object.entries(CLIENTS))
    writeFileSync(join(directory, `${name}.use.ts`), readsResults(importOperation))
  writeFileSync(join(directory, 'snapshot.ts'), TAKES_A_SNAPSHOT)
  writeFileSync(
    join(directory, 'tsconfig.json'),
    JSON.stringify({
      compilerOptions: {
        strict: true,
        noEmit: true,
        noImplicitReturns: true,
        noUncheckedIndexedAccess: true,
        target: 'es2024',
        lib: ['es2024', 'dom', 'dom.iterable'],
        module: 'esnext',
        moduleResolution: 'bundler',
        typeRoots: [resolve('node_modules/@types')],
        types: ['node'],
      },
    }),
  )
  return directory
}

/** What the compiler says. */
function compile(directory: string): string {
  try {
    return execFileSync(resolve('node_modules/.bin/tsc'), ['-p', directory], { encoding: 'utf8' })
  } catch (error) {
    return (error as { stdout: string }).stdout
  }
}

test.each(['openapi.yaml', 'openapi-3.0.yaml'])(
  'clients made of %s need no cast, and take a snapshot',
  { timeout: 120_000 },
  async document => {
    const directory = await generate(document)
    expect(compile(directory)).toBe('')
    // There is one class of problems, whatever it is about.
    const types = readFileSync(join(directory, 'hey-api/types.gen.ts'), 'utf8')
    // Each kind has a type of operations, and one of listed ones.
    expect(types.match(/\berror: Problem (\| never )?\| null;/g)).toHaveLength(2 * KIND_NAMES.length)

    const bundle = await rolldown({ input: join(directory, 'snapshot.ts'), platform: 'node' })
    mkdirSync(join(directory, 'out'))
    await bundle.write({ file: join(directory, 'out/snapshot.mjs') })
    await bundle.close()
    const world = await startWorld()
    const program = runScript(join(directory, 'out/snapshot.mjs'), { args: [world.gateway.address, KEY] })
    expect([await program.ended, program.stderr, program.stdout]).toEqual([
      0,
      [],
      ['succeeded callback', 'name'],
    ])
    expect(world.simulator.vm(1000)?.snapshots.map(({ name }) => name)).toContain('generated')
  },
)

test('the compiler would say where a cast is needed', { timeout: 60_000 }, async () => {
  const directory = await generate('openapi.yaml')
  const use = readsResults(CLIENTS['hey-api']!)
  writeFileSync(join(directory, 'wrong.ts'), use.replace('result?.observed_at', 'result?.snapshots'))
  expect(compile(directory)).toMatch(/wrong\.ts.*'snapshots' does not exist on type/m)
})
