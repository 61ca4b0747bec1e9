/** What a look makes of entries that are no snapshots yet, and of dates with and without a zone. */

import { expect, test } from 'vitest'
import { startWorld, type Answer, type World } from '../../helper.ts'

const VM = 1000
/** So that a look which proves nothing ends soon. */
const SHORT = { OPERATION_DEADLINE_MS: '1200' }

/** A create whose answer is lost: only a look can tell. */
function lostCreate(world: World, acts: boolean): Promise<Answer> {
  world.simulator.fault({ kind: acts ? 'drop-after' : 'drop-before', action: 'create_snapshot', vmId: VM })
  return world.call('POST', `/vms/${VM}/snapshots`, { body: { name: 'new' }, headers: { prefer: 'wait=20' } })
}

function list(world: World, entries: object[], times: number | 'always'): void {
  const body = JSON.stringify({ result: 'OK', scope: entries })
  world.simulator.fault({ kind: 'respond', action: 'get_snapshot', vmId: VM, body, times })
}

test('while HOSTKEY says that it is being made it is not there; when it says that it is, it is', async () => {
  const world = await startWorld({
    simulator: { taskMs: 400, showsUnfinished: true, vms: { [VM]: {} } },
    env: { OPERATION_DEADLINE_MS: '20000' },
  })
  const { body } = await lostCreate(world, true)
  expect(body).toMatchObject({ status: 'succeeded', result: { settled_by: 'look' } })
  const entry = world.simulator.ledger.find(({ action }) => action === 'create_snapshot')!
  expect(Date.parse(body.finished_at)).toBeGreaterThanOrEqual(entry.effectAt!)
})

test.each(['creating', 'failed', 'error', 'queued'])(
  'an entry whose state is %s proves no create',
  async state => {
    const world = await startWorld({ env: SHORT })
    list(world, [{ name: 'new', date: new Date().toISOString(), state }], 'always')
    expect((await lostCreate(world, false)).body).toMatchObject({
      status: 'unknown',
      error: { code: 'outcome-unknown' },
    })
  },
)

test.each([
  ['UTC', 'UTC', 'succeeded'],
  ['America/New_York', 'America/New_York', 'succeeded'],
  ['', 'UTC', 'unknown'],
  ['Asia/Tokyo', 'UTC', 'unknown'],
])(
  'HOSTKEY_TIME_ZONE "%s", and dates without a zone of %s: a create that was lost is %s',
  async (timeZone, ofHostkey, status) => {
    const world = await startWorld({
      simulator: { dateFormat: 'sql', timeZone: ofHostkey, vms: { [VM]: {} } },
      env: { ...SHORT, HOSTKEY_TIME_ZONE: timeZone },
    })
    const { body } = await lostCreate(world, true)
    expect(body).toMatchObject({ status })
    const { snapshots } = (await world.call('GET', `/vms/${VM}/snapshots`)).body
    const offMs = Math.abs(Date.parse(snapshots[0].created_at) - Date.now())
    // Without a zone it is shown as UTC, which this HOSTKEY happens to be.
    expect(offMs < 60_000).toBe(timeZone === ofHostkey || timeZone === '')
  },
)
