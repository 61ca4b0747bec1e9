import type { Cloud, Said } from './cloud.ts'
import { refused } from './cloud.ts'
import type { Reply } from './delivery.ts'
import { wear } from './dresses/wear.ts'
import { acts, dressesOf } from './faults.ts'
import type { Fault, FaultQueue } from './faults.ts'
import { phpJson } from './json.ts'
import type { Tokens } from './tokens.ts'

/** What is answered, and the fault that the request has met. */
export interface Served {
  reply: Reply
  fault?: Fault | undefined
}

/** An answer of JSON. */
export const json = (value: object | null): Reply => ({ body: phpJson(value) })

/** The three scripts behind HOSTKEY's address: vm.php, eq_callback.php and auth.php. */
export class Scripts {
  readonly #cloud: Cloud
  readonly #tokens: Tokens
  readonly #faults: FaultQueue

  constructor(cloud: Cloud, tokens: Tokens, faults: FaultQueue) {
    this.#cloud = cloud
    this.#tokens = tokens
    this.#faults = faults
  }

  /** Answers a request with these form fields. */
  serve(method: string, path: string, fields: Record<string, string>): Served {
    const script = /([^/?]*)(\?.*)?$/.exec(path)?.[1] ?? ''
    const subjects: Record<string, { action: string; vmId?: number | undefined }> = {
      'vm.php': { action: fields.action ?? '', vmId: Number(fields.id) },
      'eq_callback.php': { action: 'check', vmId: this.#cloud.vmOfKey(fields.key) },
      'auth.php': { action: fields.action === 'logout' ? 'logout' : 'login' },
    }
    const subject = Object.hasOwn(subjects, script) && subjects[script]
    if (!subject) return { reply: { status: 404, body: '<html><body><h1>404 Not Found</h1></body></html>' } }
    // The vendor's page shows one GET; for any other PHP finds no fields at all, which this says more helpfully.
    if (method !== 'POST' && !(method === 'GET' && subject.action === 'get_snapshot')) {
      return { reply: json({ code: -1, message: 'invalid request method' }) }
    }
    const fault = this.#faults.take(subject.action, subject.vmId)
    return { reply: this.#reply(script, fields, fault), fault }
  }

  #reply(script: string, fields: Record<string, string>, fault?: Fault): Reply {
    const { answer, worn, about } = this.#echo(script, fields, fault)
    if (fault?.kind !== 'respond' && fault?.kind !== 'respond-after') return wear(answer, worn, about)
    const { status = 200, headers = {}, body = '' } = fault
    return { status, headers, body }
  }

  /** Carries the call out and says what PHP would echo. */
  #echo(script: string, fields: Record<string, string>, fault?: Fault): Said {
    const tokens = this.#tokens
    const worn = dressesOf(fault)
    if (!acts(fault)) return refused(fields, fault?.reason ?? 'internal error', worn)
    if (script === 'eq_callback.php') return this.#cloud.check(fields, fault)
    const about = { reason: '', fields, ageMs: 0, context: {} }
    if (script === 'auth.php') {
      return { answer: tokens.answer(fields, this.#cloud.ids, fault?.kind === 'dead-token'), worn, about }
    }
    const { token } = fields
    if (!tokens.accepts(token)) {
      return {
        answer: { code: -2, message: 'invalid token' },
        worn: worn.filter(({ on }) => on === 'any'),
        about,
      }
    }
    if (!tokens.reaches(token, Number(fields.id))) return refused(fields, 'server not found', worn)
    return this.#cloud.call(fields, fault)
  }
}
