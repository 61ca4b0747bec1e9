import { expect, test } from 'vitest'
import { standInApp } from '../helper.ts'

test('a route about which nobody decided keeps the app from starting', async () => {
  const { app } = await standInApp({})
  app.get('/open', () => 'to everybody')
  await expect(app.ready()).rejects.toThrow('route GET /open declares no access')
  const { app: good } = await standInApp({})
  good.get('/open', { config: { access: 'public' } }, () => 'to everybody')
  expect((await good.inject('/open')).payload).toBe('to everybody')
})
