import { setImmediate as turn } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { OneATurn } from '../../src/upstream/one-a-turn.ts'
import { realWorld } from '../../src/world.ts'

test('of pieces that come at once, each has a turn of the event loop, in order, and others are served in between', async () => {
  const turns = new OneATurn(realWorld)
  const happened: string[] = []
  const pieces = Promise.all([1, 2, 3].map(n => turns.next().then(() => happened.push(`piece ${n}`))))
  for (let i = 0; happened.filter(one => one.startsWith('piece')).length < 3; i += 1) {
    // oxlint-disable-next-line no-await-in-loop -- these are the turns
    await turn()
    happened.push('others')
  }
  await pieces
  expect(happened.filter(one => one !== 'others')).toEqual(['piece 1', 'piece 2', 'piece 3'])
  expect(happened.join()).not.toMatch(/piece \d,piece/)

  const later = turns.next()
  await turn()
  await later
})
