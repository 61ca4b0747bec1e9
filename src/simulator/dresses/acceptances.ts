import { table } from './dress.ts'
import type { Dress, Json } from './dress.ts'

const accepted = (says: (plain: Json) => unknown): Dress => ({
  on: 'call',
  told: 'accepted',
  acts: [true],
  says,
})
const withMembers = (members: Json) => accepted(plain => ({ ...plain, ...members }))
const withKey = (key: () => string): Dress => ({ on: 'call', told: 'accepted', acts: [true], key })

const digits = () => String(Math.floor(Math.random() * 1e9)).padStart(9, '0')

/** A usable callback key came: the action was taken on, in whatever words. */
export const ACCEPTANCES = table({
  // PHP writes a scalar as it likes, and the vendor's Terraform client takes both 0 and 1 for success.
  'accepted-as-1': withMembers({ result: 1 }),
  'accepted-as-0': withMembers({ result: 0 }),
  'accepted-as-true': withMembers({ result: true }),
  'accepted-as-text-1': withMembers({ result: '1' }),
  'accepted-in-lower-case': withMembers({ result: 'ok' }),
  'accepted-without-a-word': accepted(({ callback }) => ({ callback })),
  'accepted-by-an-unknown-word': withMembers({ result: 'Scheduled' }),
  'accepted-in-data': accepted(({ callback, ...rest }) => ({ ...rest, data: { callback } })),
  'accepted-in-result': accepted(plain => ({ result: plain })),
  'accepted-with-code-0': withMembers({ code: 0, message: '' }),
  'accepted-with-error-empty': withMembers({ error: '' }),
  'accepted-with-error-false': withMembers({ error: 'false' }),
  'accepted-with-error-none': withMembers({ error: 'none' }),
  'accepted-with-error-null': withMembers({ error: null }),
  'accepted-with-error-array': withMembers({ error: [] }),
  'accepted-beside-an-error-text': withMembers({ error: 'mail to the owner could not be sent' }),
  'accepted-under-http-500': {
    ...accepted(plain => plain),
    sends: reply => ({ ...reply, status: 500 }),
  },
  'accepted-under-http-202': {
    ...accepted(plain => plain),
    sends: reply => ({ ...reply, status: 202 }),
  },
  // The shortest, the longest, and one of all characters that a key may have.
  'accepted-with-a-key-of-8': withKey(() => `k${digits().slice(0, 7)}`),
  'accepted-with-a-key-of-128': withKey(() => `${digits()}-`.padEnd(128, 'Zz09_')),
  'accepted-with-a-key-of-digits': withKey(() => `4${digits()}`),
})
