/** The notices of the packages that a bundle is made of: their licences ask that they are passed on with it. */

import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** Its files come with `@fastify/swagger-ui`, which does not have its notice. */
const SWAGGER_UI = `Swagger UI (in swagger-ui/static)
Apache-2.0; https://github.com/swagger-api/swagger-ui
Copyright 2020-2021 SmartBear Software Inc.
The text of the Apache License 2.0 is that of @opentelemetry/api in this file.
`

const NOTICE_FILE = /^(?:licen[cs]e|notice|copying)/i

/**
 * A text with each package's name, version, licence and what its notice files say.
 * @param modules paths of the modules that are in the bundle
 * @throws Error when a package has neither a notice file nor says which licence it has
 */
export function noticesOf(modules: readonly string[]): string {
  const folders = new Set(
    modules.flatMap(path => /^.*\/node_modules\/(?:@[^/]+\/)?[^/]+/.exec(path)?.[0] ?? []),
  )
  const notices = new Map<string, string>()
  for (const folder of folders) {
    const { name, version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as {
      name: string
      version: string
      license?: string
    }
    const texts = readdirSync(folder)
      .filter(file => NOTICE_FILE.test(file))
      .toSorted()
      .map(file => readFileSync(join(folder, file), 'utf8').trim())
    if (texts.length === 0 && !license) throw new Error(`no licence is found in ${folder}`)
    notices.set(`${name}@${version}`, [`${name} ${version}`, license ?? '', ...texts].join('\n\n'))
  }
  const sorted = [...notices].toSorted(([a], [b]) => a.localeCompare(b)).map(([, text]) => text)
  return [...sorted, SWAGGER_UI].join(`\n\n${'-'.repeat(80)}\n\n`)
}
