/** Types of the document for TypeScript clients. */

import { registerHooks } from 'node:module'
import { format, resolveConfig } from 'prettier'

/** @returns the text of `src/client/document.d.ts`. */
export async function renderTypes(document: string): Promise<string> {
  // The generator needs the compiler API of TypeScript 5, which 7 has no more.
  const hooks = registerHooks({
    resolve: (specifier, context, next) =>
      next(specifier === 'typescript' ? 'typescript-5' : specifier, context),
  })
  const { default: openapiTS, astToString } = await import('openapi-typescript')
  hooks.deregister()
  // What has a default may be left out.
  const ast = await openapiTS(document, { defaultNonNullable: false })
  const text = `// Written by \`npm run openapi\`.\n\n${astToString(ast)}`
  return await format(text, { ...(await resolveConfig('x.ts')), parser: 'typescript' })
}
