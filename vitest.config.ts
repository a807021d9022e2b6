import { defineConfig } from 'vitest/config';

const quiet = { pool: 'forks', testTimeout: 30_000, hookTimeout: 60_000 } as const;
const patient = { testTimeout: 300_000, hookTimeout: 300_000 };

/** `unit` needs no server and stays under a minute; `network` starts Temporal, the local chain and workers. */
export default defineConfig({
  test: {
    reporters: ['default', './test/summary-reporter.ts'],
    projects: [
      { test: { name: 'unit', include: ['test/**/*.test.ts'], exclude: ['test/network/**'], ...quiet } },
      { test: { name: 'network', include: ['test/network/**/*.test.ts'], globalSetup: ['test/network/support/setup.ts'], fileParallelism: false, ...quiet, ...patient } },
    ],
  },
});
