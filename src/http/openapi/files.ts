/** Makes the files of `openapi/` from the routes of an app that never listens. */

import { buildApp } from '../app.ts'
import { createLogger } from '../../observability/log.ts'
import { toOpenApi30 } from './openapi-30.ts'
import { toYaml } from './document.ts'
import { NO_TRACING } from '../../observability/tracing.ts'
import { realWorld } from '../../world.ts'

/** Returns the content of each file, by its name. */
export async function renderDocuments(): Promise<Record<string, string>> {
  // The routes are only described here, and nothing behind them is touched.
  const nothing = {} as never
  const app = await buildApp(
    {
      basePath: '',
      publicUrl: null,
      trustProxy: [],
      corsOrigins: [],
      upstream: { timeoutMs: 0 },
      maxWaitMs: 0,
      readWaitMs: 0,
      rateLimit: { max: 1, windowMs: 1_000 },
      maxOpenPerCaller: 1,
      docs: true,
    },
    {
      operations: nothing,
      callers: nothing,
      metrics: nothing,
      tracing: NO_TRACING,
      draining: new AbortController().signal,
      logger: createLogger('silent'),
      world: realWorld,
    },
  )
  await app.ready()
  const document = JSON.parse(JSON.stringify(app.swagger())) as object
  await app.close()
  return { ...(await filesOf('openapi', document)), ...(await filesOf('openapi-3.0', toOpenApi30(document))) }
}

async function filesOf(name: string, document: object): Promise<Record<string, string>> {
  return {
    [`${name}.json`]: `${JSON.stringify(document, null, 2)}\n`,
    [`${name}.yaml`]: await toYaml(document),
  }
}
