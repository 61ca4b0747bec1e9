/** From the words of a refusal to a problem code: a small table, and `upstream-rejected` for all it does not know. */

import type { ProblemCode } from '../http/problem.ts'

/** Each failure message begins with the action and the VM (`failed to request … for <id> - <reason>`): not the reason. */
const PREFIX = /^failed to request .*? for \d+(\s*-\s*)?/i

const TABLE: readonly [RegExp, ProblemCode][] = [
  [/too many requests|rate limit|^HTTP 429/i, 'upstream-unavailable'],
  [/already exists|exists already|duplicate|name is (in use|taken)/i, 'upstream-conflict'],
  [
    /\b(snapshot|backup|restore point)\b.*(not found|not exist|doesn'?t exist|unknown|missing)|(no such|unknown|missing) (snapshot|backup)/i,
    'snapshot-not-found',
  ],
  [
    /\b(server|vm|vps|machine|instance|equipment|host|id)\b.*(not found|not exist|doesn'?t exist|unknown)|(no such|unknown|invalid) (server|vm|vps|machine|instance|id)\b/i,
    'vm-not-found',
  ],
  [
    /powered (on|off|up|down)|power(ed)? ?(state|off|on)|must be (off|on|stopped|running|shut)|(is|still|not) (running|stopped)|turned (on|off)|shut ?down|\block(ed)?\b|\bbusy\b|in progress|another (task|operation|snapshot)|conflict|limit (of snapshots )?(reached|exceeded)|too many snapshots/i,
    'upstream-conflict',
  ],
]

/** The problem code for a refusal's message. A bare `not found` means the snapshot where the call named one. */
export function problemOfRefusal(message: string, namesSnapshot: boolean): ProblemCode {
  const reason = message.replace(PREFIX, '')
  for (const [pattern, code] of TABLE) if (pattern.test(reason)) return code
  if (/\bnot (found|exist)/i.test(reason) && !/HTTP 404/.test(reason))
    return namesSnapshot ? 'snapshot-not-found' : 'vm-not-found'
  return 'upstream-rejected'
}
