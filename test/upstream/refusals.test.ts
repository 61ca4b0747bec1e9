import { expect, test } from 'vitest'
import { problemOfRefusal } from '../../src/upstream/refusals.ts'

const CREATE = 'failed to request snapshot creation for 1000 - '
const REMOVE = 'failed to request snapshot removal for 1000 - '
const RESTORE = 'failed to request restore from snapshot for 1000 - '

test.each([
  [`${CREATE}snapshot first already exists`, 'upstream-conflict'],
  [`${CREATE}duplicate name`, 'upstream-conflict'],
  [`${CREATE}limit of snapshots reached`, 'upstream-conflict'],
  [`${CREATE}another task is in progress`, 'upstream-conflict'],
  [`${REMOVE}server must be powered off`, 'upstream-conflict'],
  [`${REMOVE}VM is still running`, 'upstream-conflict'],
  [`${RESTORE}server is locked`, 'upstream-conflict'],
  [`${RESTORE}snapshot first not found`, 'snapshot-not-found'],
  [`${RESTORE}no such snapshot`, 'snapshot-not-found'],
  [`${REMOVE}backup b-7 does not exist`, 'snapshot-not-found'],
  [`${CREATE}server not found`, 'vm-not-found'],
  ['failed to request stats for 9 - unknown server', 'vm-not-found'],
  ['failed to request snapshots list for 9 - invalid id', 'vm-not-found'],
  ['Too many requests', 'upstream-unavailable'],
  ['HTTP 429 without a message', 'upstream-unavailable'],
  ['HTTP 404 without a message', 'upstream-rejected'],
  ['HTTP 403 without a message', 'upstream-rejected'],
  ['failed to request stats for 9', 'upstream-rejected'],
  [`${CREATE}invalid name`, 'upstream-rejected'],
  ['NO_APPROPRIATE_SERVERS', 'upstream-rejected'],
  ['', 'upstream-rejected'],
])('%s is %s', (message, code) => {
  expect([problemOfRefusal(message, true), problemOfRefusal(message, false)]).toEqual([code, code])
})

test('a bare "not found" is the snapshot where the call names one, else the VM', () => {
  expect(problemOfRefusal(`${REMOVE}not found`, true)).toBe('snapshot-not-found')
  expect(problemOfRefusal('failed to request snapshots list for 9 - not found', false)).toBe('vm-not-found')
})

test('the words of the prefix are no reason', () => {
  expect(problemOfRefusal('failed to request restore from snapshot for 1000 - not found yet', false)).toBe(
    'vm-not-found',
  )
})
