import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // For machines that do more than this.
    testTimeout: 40_000,
    hookTimeout: 40_000,
    // Two cores: files run side by side, one worker each.
    maxWorkers: 2,
    // One worker loads the gateway once and not for each file; every test opens its own.
    isolate: false,
  },
})
