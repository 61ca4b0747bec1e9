/**
 * `npm run build`: makes `dist/` of `src/` and of the packages that it needs, for the image and the npm package. Everything is
 * in a few files of plain JavaScript, with source maps beside them: Node loads these in less time than the thousand files
 * they are made of, and needs no `node_modules`. What is loaded only where a setting asks for it (signed tokens, tracing, the
 * shared store) stays in files of its own. The client is a file for itself, once for `import` and once for `require`.
 */

import { cpSync, globSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { rolldown, type InputOptions, type OutputChunk, type Plugin } from 'rolldown'
import { isolatedDeclarationSync } from 'rolldown/experimental'
import { noticesOf } from './notices.ts'

const root = join(import.meta.dirname, '..')
const dist = join(root, 'dist')
const swaggerUi = dirname(fileURLToPath(import.meta.resolve('@fastify/swagger-ui')))

/** The files that Node is started with: the gateway, and each command beside it. */
const entries = ['src/server.ts', ...globSync('src/cli/*.ts', { cwd: root })]

/** Swagger UI's files lie beside the bundle; `@fastify/swagger-ui` looks for them beside its own modules. */
const moveSwaggerUi: Plugin = {
  name: 'move-swagger-ui',
  transform: {
    filter: { id: /@fastify\/swagger-ui\/.*\.js$/ },
    handler(code, id) {
      const folder = join('swagger-ui', relative(swaggerUi, dirname(id)))
      // Every line stays where it was, so that there is nothing to map.
      return {
        code: code.replaceAll('__dirname', `require('node:path').join(__dirname, '${folder}')`),
        map: null,
      }
    },
  },
}

const options: InputOptions = {
  cwd: root,
  platform: 'node',
  // `debug`, below @fastify/swagger, tries for it and does without: it is here only because a tool of development needs it.
  external: ['supports-color'],
  onLog(_level, { message }) {
    // An import that is not found would stay as it is, and fail in production.
    throw new Error(message)
  },
}

await using gateway = await rolldown({
  ...options,
  input: Object.fromEntries(entries.map(file => [basename(file, '.ts'), file])),
  plugins: [moveSwaggerUi],
  // What CommonJS calls the directory of a module is, in a bundle, that of the bundle.
  transform: { define: { __dirname: 'import.meta.dirname' } },
})
const { output } = await gateway.write({ dir: dist, cleanDir: true, format: 'esm', sourcemap: true })
cpSync(join(swaggerUi, 'static'), join(dist, 'swagger-ui/static'), { recursive: true })

await using client = await rolldown({ ...options, input: 'src/client/client.ts' })
const clients: OutputChunk[] = []
for (const [format, script, types] of [
  ['esm', 'client.mjs', 'client.d.ts'],
  ['cjs', 'client.cjs', 'client.d.cts'],
] as const) {
  // oxlint-disable-next-line no-await-in-loop -- one bundle writes one thing after the other
  clients.push((await client.write({ file: join(dist, script), format, sourcemap: true })).output[0])
  writeFileSync(join(dist, types), clientTypes())
}

/** The types of the client in one text: what its files declare, without what they import of each other. */
function clientTypes(): string {
  const texts = ['document.d.ts', 'errors.ts', 'webhook.ts', 'client.ts'].map(name => {
    const text = readFileSync(join(root, 'src/client', name), 'utf8')
    if (name.endsWith('.d.ts')) return text
    const { code, errors } = isolatedDeclarationSync(name, text)
    if (errors.length > 0) throw new Error(`${name}: ${errors.map(({ message }) => message).join(', ')}`)
    return code.replaceAll(/^(?:import|export) [^;]* from "\.\/[^"]+";\n/gm, '')
  })
  // Without this line TypeScript takes all of it for exported.
  return [...texts, 'export {}\n'].join('\n')
}

const modules = [...output, ...clients].flatMap(file => (file.type === 'chunk' ? file.moduleIds : []))
writeFileSync(join(dist, 'THIRD-PARTY-NOTICES.txt'), noticesOf(modules))
