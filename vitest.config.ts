import { defineConfig } from 'vitest/config'

const ALONE = ['test/overload.test.ts']

export default defineConfig({
  test: {
    // For machines that do more than this.
    testTimeout: 40_000,
    hookTimeout: 40_000,
    // One worker loads the gateway once and not for each file; every test opens its own.
    isolate: false,
    projects: [
      {
        extends: true,
        test: {
          name: 'all',
          include: ['test/**/*.test.ts'],
          exclude: ALONE,
          // More than the two cores, since much of it waits for processes, pages and timers.
          maxWorkers: 3,
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        // What is measured has the machine for itself, and a process that nothing ran in before.
        test: { name: 'alone', include: ALONE, isolate: true, maxWorkers: 1, sequence: { groupOrder: 1 } },
      },
    ],
  },
})
