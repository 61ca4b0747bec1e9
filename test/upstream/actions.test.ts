import { expect, test } from 'vitest'
import type { ActionName } from '../../src/operations/hostkey.ts'
import { actionFields, ACTIONS, encodeForm } from '../../src/upstream/actions.ts'

const ALL = { id: 1000, name: 'n', type: 't', backup_id: 'b' }

test.each([
  ['create_snapshot', 'action=create_snapshot&token=T&id=1000&name=n&type=t', false],
  ['get_snapshot', 'action=get_snapshot&token=T&id=1000&type=t', true],
  ['load_stats', 'action=load_stats&token=T&id=1000', false],
  ['remove_snapshot', 'action=remove_snapshot&token=T&id=1000&name=n&type=t', false],
  ['restore_snapshot', 'action=restore_snapshot&token=T&id=1000&name=n&type=t&backup_id=b', false],
] as const)('%s as on the page', (action, form, getOnPage) => {
  expect(encodeForm(actionFields(action, ALL, 'T'))).toBe(form)
  expect(ACTIONS[action]).toMatchObject({ getOnPage })
})

test('the page knows five actions, and fields that were not given are not sent', () => {
  const names = Object.keys(ACTIONS) as ActionName[]
  expect(names).toHaveLength(5)
  for (const name of names)
    expect(encodeForm(actionFields(name, { id: 1 }, 'T'))).toBe(`action=${name}&token=T&id=1`)
})

test('values cannot break out of their field', () => {
  const form = encodeForm({ action: 'load_stats', token: 'a&id=2 +%é\u0000\n', id: 1 })
  expect(form).toBe('action=load_stats&token=a%26id%3D2+%2B%25%C3%A9%00%0A&id=1')
  expect(new URLSearchParams(form).get('token')).toBe('a&id=2 +%é\u0000\n')
})
