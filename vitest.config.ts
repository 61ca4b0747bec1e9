import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    testTimeout: 15_000,
    // Two cores: files run side by side, one worker each.
    maxWorkers: 2,
    // One worker loads the gateway once and not for each file; every test opens its own.
    isolate: false,
  },
})
