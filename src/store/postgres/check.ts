/** Looks at a PostgreSQL without changing anything: whether it is there, and whether it keeps what the gateway promises. */

import { parsePostgresUrl } from '../../config/postgres-url.ts'
import { connect, lossesOf } from './connection.ts'
import { Refused, Unusable } from './errors.ts'
import { MIGRATIONS, refuseNewer, versionOf } from './schema.ts'
import { realWorld } from '../../world.ts'

/** One that is away is a warning: a gateway that is started waits for it. Nothing shows the password. */
export async function checkPostgres(url: string): Promise<{ faults: string[]; warnings: string[] }> {
  const address = parsePostgresUrl(url)
  try {
    const { connection } = await connect(address, 0, realWorld)
    try {
      refuseNewer(await versionOf(connection, address.schema, address.statementTimeoutMs), MIGRATIONS)
      return { faults: [], warnings: lossesOf(connection.state) }
    } finally {
      connection.destroy()
    }
  } catch (error) {
    const { message } = error as Error
    return error instanceof Unusable || error instanceof Refused
      ? { faults: [`PostgreSQL: ${message}`], warnings: [] }
      : { faults: [], warnings: [`PostgreSQL is away: ${message}`] }
  }
}
