/**
 * `npm run build`: makes `dist/` of `src/` and of the packages that it needs, for the image and the npm package. Everything is
 * in a few files of plain JavaScript, with source maps beside them: Node loads these in less time than the thousand files
 * they are made of, and needs no `node_modules`. What is loaded only where a setting asks for it (signed tokens, tracing, the
 * shared store) stays in files of its own.
 */

import { cpSync, globSync, writeFileSync } from 'node:fs'
import { basename, dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { rolldown, type Plugin } from 'rolldown'
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

await using bundle = await rolldown({
  cwd: root,
  input: Object.fromEntries(entries.map(file => [basename(file, '.ts'), file])),
  platform: 'node',
  // `debug`, below @fastify/swagger, tries for it and does without: it is here only because a tool of development needs it.
  external: ['supports-color'],
  plugins: [moveSwaggerUi],
  // What CommonJS calls the directory of a module is, in a bundle, that of the bundle.
  transform: { define: { __dirname: 'import.meta.dirname' } },
  onLog(_level, { message }) {
    // An import that is not found would stay as it is, and fail in production.
    throw new Error(message)
  },
})
const { output } = await bundle.write({
  dir: dist,
  cleanDir: true,
  format: 'esm',
  sourcemap: true,
})
cpSync(join(swaggerUi, 'static'), join(dist, 'swagger-ui/static'), { recursive: true })

const modules = output.flatMap(file => (file.type === 'chunk' ? file.moduleIds : []))
writeFileSync(join(dist, 'THIRD-PARTY-NOTICES.txt'), noticesOf(modules))
