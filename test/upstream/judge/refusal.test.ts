import { expect, test } from 'vitest'
import { reasonOfRefusal } from '../../src/upstream/refusals.ts'

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
  ['Too many requests', 'throttled'],
  ['HTTP 429 without a message', 'throttled'],
  ['HTTP 404 without a message', 'rejected'],
  ['HTTP 403 without a message', 'rejected'],
  ['failed to request stats for 9', 'rejected'],
  [`${CREATE}invalid name`, 'rejected'],
  ['NO_APPROPRIATE_SERVERS', 'rejected'],
  ['', 'rejected'],
])('%s is %s', (message, reason) => {
  expect([reasonOfRefusal(message, true), reasonOfRefusal(message, false)]).toEqual([reason, reason])
})

test('a bare "not found" is the snapshot where the call names one, else the VM', () => {
  expect(reasonOfRefusal(`${REMOVE}not found`, true)).toBe('snapshot-missing')
  expect(reasonOfRefusal('failed to request snapshots list for 9 - not found', false)).toBe('vm-missing')
})

test('the words of the prefix are no reason', () => {
  expect(reasonOfRefusal('failed to request restore from snapshot for 1000 - not found yet', false)).toBe(
    'vm-missing',
  )
})
