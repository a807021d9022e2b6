import { defineConfig } from 'vitest/config';

const quiet = { pool: 'forks', testTimeout: 30_000, hookTimeout: 60_000 } as const;
const patient = { testTimeout: 300_000, hookTimeout: 300_000 };

/**
 * `unit` needs no server and stays under a minute; `fuzz` gives hostile files to every reader; `network` starts Temporal,
 * the local chain, S3 and workers. Unit tests keep to themselves, so that their files may share a process, which halves the
 * time. One project after another: drills that watch the time want the machine for themselves.
 */
export default defineConfig({
  test: {
    reporters: ['default', './test/summary-reporter.ts'],
    projects: [
      { test: { name: 'unit', include: ['test/**/*.test.ts'], exclude: ['test/network/**', 'test/fuzz/**'], sequence: { groupOrder: 0 }, ...quiet, isolate: false, maxWorkers: '100%' } },
      { test: { name: 'fuzz', include: ['test/fuzz/**/*.test.ts'], sequence: { groupOrder: 1 }, ...quiet } },
      { test: { name: 'network', include: ['test/network/**/*.test.ts'], globalSetup: ['test/network/support/setup.ts'], fileParallelism: false, sequence: { groupOrder: 2 }, ...quiet, ...patient } },
    ],
  },
});
