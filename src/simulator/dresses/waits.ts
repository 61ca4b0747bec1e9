import { HTML_TYPE, page, table } from './dress.ts'
import type { Dress, Json } from './dress.ts'

const running = (says: NonNullable<Dress['says']>): Dress => ({
  on: 'wait',
  told: 'running',
  acts: [true],
  says,
})
const word = (result: unknown) => running(({ key }) => ({ result, key }))
const stage = (members: Json) =>
  running(({ key }, { context }) => ({ result: 'OK', scope: '', ...members, context, key }))

/** HOSTKEY could not look: this says nothing of the task, whose key lives on. */
const troubled = (status: number, headers: Record<string, string> = {}): Dress => ({
  ...running(plain => plain),
  sends: () => ({ status, headers: { ...HTML_TYPE, ...headers }, body: page(String(status)) }),
})

/** For this long after its acceptance a key may not be known to the process that is asked for it. */
const KEY_UNKNOWN_MS = 1_000

/** The task goes on, in whatever words: only a known word of failure or success ends it. */
export const WAITS = table({
  'waits-as-pending': word('Pending'),
  'waits-as-queued': word('Queued'),
  'waits-as-in-progress': word('In progress'),
  'waits-in-lower-case': word('not ready'),
  'waits-in-one-word': word('NotReady'),
  'waits-by-an-unknown-word': word('Baking'),
  'waits-by-a-number': word(2),
  'waits-by-null': word(null),
  'waits-without-a-word': running(({ key }) => ({ key })),
  'waits-at-a-stage': stage({ stage: 'copying' }),
  'waits-at-a-stage-by-number': stage({ stage: 1 }),
  'waits-at-a-stage-of-its-own-word': stage({ result: 'Stage', stage: 'prepare' }),
  'waits-with-a-context': running(({ key }, { context }) => ({
    result: 'Not ready',
    context,
    scope: '',
    key,
  })),
  'waits-as-a-key-not-found-yet': running((plain, { ageMs }) =>
    ageMs < KEY_UNKNOWN_MS ? { code: -1, message: 'AsyncKey not found', key: plain.key } : plain,
  ),
  'waits-under-http-429': troubled(429, { 'retry-after': '1' }),
  'waits-under-http-503': troubled(503, { 'retry-after': '1' }),
  'waits-under-http-500': troubled(500),
  'waits-as-html': troubled(200),
})
