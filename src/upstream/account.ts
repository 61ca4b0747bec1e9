/** What HOSTKEY says of an account at a login, for an operator who checks a configuration. */

import { judgeLogin } from './judge/login.ts'
import { createTransport, type TransportOptions } from './transport.ts'

export type Account =
  /** The login went well; `vmIds` are the VMs of the account, or null when the answer had no list of them. */
  | { kind: 'known'; vmIds: readonly number[] | null }
  | { kind: 'refused'; message: string }
  | { kind: 'unreachable'; reason: string }

/** So long is asked for: the session is not used. */
const TTL_S = 60

/** Logs in once with an API key. The session ends by itself soon after. */
export async function askAccount(
  { baseUrl, timeoutMs, world }: Omit<TransportOptions, 'concurrency'>,
  apiKey: string,
): Promise<Account> {
  const transport = createTransport({ baseUrl, timeoutMs, concurrency: 1, world })
  try {
    const fields = { action: 'login', key: apiKey, ttl: TTL_S, fix_ip: 0 }
    const exchange = await transport.send('auth.php', 'POST', fields)
    if (exchange.kind !== 'answer') return { kind: 'unreachable', reason: exchange.reason }
    const login = judgeLogin(exchange.answer)
    if (login.kind === 'token') return { kind: 'known', vmIds: login.servers }
    if (login.kind === 'unintelligible') return { kind: 'unreachable', reason: login.why }
    return { kind: 'refused', message: login.message.replaceAll(apiKey, '***') }
  } finally {
    await transport.close()
  }
}
