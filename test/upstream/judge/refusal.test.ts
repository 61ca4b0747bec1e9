import { expect, test } from 'vitest'
import { isAboutToken, reasonOfRefusal } from '../../../src/upstream/judge/refusal.ts'

const reasonOf = (message: string, name?: string, code = '-1', status = 200) =>
  reasonOfRefusal(message, code, status, { name })

const CREATE = 'failed to request snapshot creation for 1000 - '
const REMOVE = 'failed to request snapshot removal for 1000 - '
const RESTORE = 'failed to request restore from snapshot for 1000 - '

test.each([
  [`${CREATE}snapshot first already exists`, 'conflict'],
  [`${CREATE}duplicate name`, 'conflict'],
  [`${CREATE}limit of snapshots reached`, 'conflict'],
  [`${CREATE}another task is in progress`, 'conflict'],
  [`${REMOVE}server must be powered off`, 'conflict'],
  [`${REMOVE}VM is still running`, 'conflict'],
  [`${RESTORE}server is locked`, 'conflict'],
  [`${RESTORE}snapshot first not found`, 'snapshot-missing'],
  [`${RESTORE}no such snapshot`, 'snapshot-missing'],
  [`${REMOVE}backup b-7 does not exist`, 'snapshot-missing'],
  [`${CREATE}server not found`, 'vm-missing'],
  ['failed to request stats for 9 - unknown server', 'vm-missing'],
  ['failed to request snapshots list for 9 - invalid id', 'vm-missing'],
  [`${CREATE}maximum number of snapshots (4) reached`, 'conflict'],
  [`${CREATE}you may have at most 4 snapshots`, 'conflict'],
  [`${CREATE}snapshot quota exceeded`, 'conflict'],
  ['Too many requests', 'throttled'],
  ['HTTP 429 without a message', 'throttled'],
  ['HTTP 404 without a message', 'rejected'],
  ['HTTP 403 without a message', 'rejected'],
  ['failed to request stats for 9', 'rejected'],
  [`${CREATE}invalid name`, 'rejected'],
  ['NO_APPROPRIATE_SERVERS', 'rejected'],
  ['', 'rejected'],
])('%s is %s', (message, reason) => {
  expect([reasonOf(message, 'nightly'), reasonOf(message)]).toEqual([reason, reason])
})

test('a bare "not found" is the snapshot where the call names one, else the VM', () => {
  expect(reasonOf(`${REMOVE}not found`, 'nightly')).toBe('snapshot-missing')
  expect(reasonOf('failed to request snapshots list for 9 - not found')).toBe('vm-missing')
})

test('the words of the prefix are no reason', () => {
  expect(reasonOf('failed to request restore from snapshot for 1000 - not found yet')).toBe('vm-missing')
})

test.each([
  ['pre-lock', `${CREATE}snapshot pre-lock is too large`],
  ['missing-index', `${REMOVE}snapshot missing-index cannot be removed`],
  ['Locked', `${CREATE}no space for locked`],
  ['server', `${CREATE}no space for server, unknown error`],
])('the name of the snapshot %s decides nothing', (name, message) => {
  expect(reasonOf(message, name)).toBe('rejected')
})

test('the code decides where the message tells nothing, and so does the HTTP status', () => {
  expect(reasonOf('no', 'a', 'SNAPSHOT_NOT_FOUND')).toBe('snapshot-missing')
  expect(reasonOf('no', 'a', 'SERVER_LOCKED')).toBe('conflict')
  expect(reasonOf('server is locked', 'a', 'SNAPSHOT_NOT_FOUND')).toBe('conflict')
  expect(reasonOf('no', 'a', '-1', 409)).toBe('conflict')
  expect(reasonOf('no', 'a', '-1', 429)).toBe('throttled')
  expect(reasonOf('no', 'a', '429')).toBe('throttled')
  expect(reasonOf('server is locked', 'a', '-1', 503)).toBe('throttled')
})

test.each([
  ['Invalid token', true],
  ['the token of this session has expired', true],
  ['expired-token', true],
  ['invalid hash', true],
  ['token accepted. The snapshot has expired', false],
  ['expired: no token was needed', false],
  ['the backup is invalid', false],
])('"%s" is about the token: %s', (message, expected) => {
  expect(isAboutToken(message, {})).toBe(expected)
})
