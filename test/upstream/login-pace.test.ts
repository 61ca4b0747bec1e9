import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { LoginPace } from '../../src/upstream/login-pace.ts'

/** The times of the logins of callers who want one every `everyMs`, while each of them is refused so. */
function loginsOf(
  refuse: (pace: LoginPace, nowMs: number) => void,
  everyMs: number,
  untilMs: number,
): number[] {
  const pace = new LoginPace()
  const logins: number[] = []
  for (let nowMs = 0; nowMs <= untilMs; nowMs += everyMs) {
    if (pace.waitMs(nowMs) > 0) continue
    logins.push(nowMs)
    pace.answered(nowMs)
    refuse(pace, nowMs)
  }
  return logins
}
const gaps = (times: number[]): number[] => times.slice(1).map((time, i) => time - times[i]!)

test('refused logins: one in 5 s at first, one in 5 min in the end', () => {
  const logins = loginsOf(pace => pace.refusedLogin(), 1_000, 3_600_000)
  expect(gaps(logins).slice(0, 8)).toEqual([5, 10, 20, 40, 80, 160, 300, 300].map(s => s * 1_000))
})

test('refused tokens: the first is replaced at once, then one login in 5 s and so on', () => {
  const logins = loginsOf((pace, now) => pace.refusedToken(now), 1_000, 3_600_000)
  expect(gaps(logins).slice(0, 9)).toEqual([1, 5, 10, 20, 40, 80, 160, 300, 300].map(s => s * 1_000))
})

test('a token that served for long ends the row, and so does a new secret', () => {
  const pace = new LoginPace()
  pace.answered(0)
  for (let i = 0; i < 20; i += 1) pace.refusedToken(1_000)
  expect(pace.waitMs(1_000)).toBe(299_000)
  pace.answered(300_000)
  pace.refusedToken(600_000)
  expect(pace.waitMs(600_000)).toBe(0)
  for (let i = 0; i < 20; i += 1) pace.refusedLogin()
  pace.answered(600_000)
  expect(pace.waitMs(600_000)).toBe(300_000)
  pace.reset()
  expect(pace.waitMs(600_000)).toBe(0)
})

test('HOSTKEY may ask for longer, and never for longer than 5 min; a clock that fell back holds nothing', () => {
  const pace = new LoginPace()
  pace.answered(1_000_000)
  for (const [asked, waits] of [
    [0, 5_000],
    [60_000, 60_000],
    [86_400_000, 300_000],
  ] as const) {
    pace.asked(asked)
    expect(pace.waitMs(1_000_000)).toBe(waits)
  }
  expect(pace.waitMs(1_000_000 - 3_600_000)).toBe(0)
})

test('whatever is refused in whatever order: after the first two never two logins in 5 s', () => {
  const refusals = fc.array(fc.constantFrom('login', 'token'), { minLength: 200, maxLength: 200 })
  fc.assert(
    fc.property(refusals, fc.integer({ min: 1, max: 3_000 }), (kinds, everyMs) => {
      const next = [...kinds]
      const logins = loginsOf(
        (pace, now) => (next.pop() === 'login' ? pace.refusedLogin() : pace.refusedToken(now)),
        everyMs,
        600_000,
      )
      expect(Math.min(...gaps(logins).slice(1))).toBeGreaterThanOrEqual(5_000)
      expect(logins.length).toBeLessThanOrEqual(10)
    }),
  )
})
