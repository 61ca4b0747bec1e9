/** Durable steps as a library: Fastify and DBOS over PostgreSQL. A workflow of two steps, the call and the check. */

import { DBOS } from '@dbos-inc/dbos-sdk'
import { callCreate, check, listen, newApp, routeCreate, type Create } from './app.ts'

let running = 0

const take = DBOS.registerWorkflow(
  async (create: Create) => {
    const callback = await DBOS.runStep(() => callCreate(create), { name: 'call' })
    const result = await DBOS.runStep(() => check(callback), { name: 'check' })
    return result
  },
  { name: 'take' },
)
DBOS.setConfig({ name: 'bench', systemDatabaseUrl: process.env.STORE_URL!, logLevel: 'error' })
await DBOS.launch()

const app = await newApp()
routeCreate(app, async create => {
  const handle = await DBOS.startWorkflow(take)(create)
  running += 1
  void handle.getResult().finally(() => (running -= 1))
  return `op_${handle.workflowID}`
})
await listen(app, () => running)
