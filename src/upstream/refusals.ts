/** From the words of a refusal to a reason: a small table, and `rejected` for all it does not know. */

import type { RefusalReason } from '../operations/hostkey.ts'

/** Each failure message begins with the action and the VM (`failed to request … for <id> - <reason>`): not the reason. */
const PREFIX = /^failed to request .*? for \d+(\s*-\s*)?/i

const TABLE: readonly [RegExp, RefusalReason][] = [
  [/too many requests|rate limit|^HTTP 429/i, 'throttled'],
  [/already exists|exists already|duplicate|name is (in use|taken)/i, 'conflict'],
  [
    /\b(snapshot|backup|restore point)\b.*(not found|not exist|doesn'?t exist|unknown|missing)|(no such|unknown|missing) (snapshot|backup)/i,
    'snapshot-missing',
  ],
  [
    /\b(server|vm|vps|machine|instance|equipment|host|id)\b.*(not found|not exist|doesn'?t exist|unknown)|(no such|unknown|invalid) (server|vm|vps|machine|instance|id)\b/i,
    'vm-missing',
  ],
  [
    /powered (on|off|up|down)|power(ed)? ?(state|off|on)|must be (off|on|stopped|running|shut)|(is|still|not) (running|stopped)|turned (on|off)|shut ?down|\block(ed)?\b|\bbusy\b|in progress|another (task|operation|snapshot)|conflict|limit (of snapshots )?(reached|exceeded)|too many snapshots/i,
    'conflict',
  ],
]

/** The reason in a refusal's message. A bare `not found` means the snapshot where the call named one. */
export function reasonOfRefusal(message: string, namesSnapshot: boolean): RefusalReason {
  const words = message.replace(PREFIX, '')
  for (const [pattern, found] of TABLE) if (pattern.test(words)) return found
  if (/\bnot (found|exist)/i.test(words) && !/HTTP 404/.test(words))
    return namesSnapshot ? 'snapshot-missing' : 'vm-missing'
  return 'rejected'
}
