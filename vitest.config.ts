import { defineConfig } from 'vitest/config';
import LongestFirst from './test/longest-first.ts';

const quiet = { pool: 'forks', testTimeout: 30_000, hookTimeout: 60_000 } as const;
const patient = { testTimeout: 300_000, hookTimeout: 300_000 };
/** Network tests wait for much of their time: three at once keep two cores busy. */
const SIDE_BY_SIDE = 3;
/** What says how long something may take, or has a few seconds for it, wants the machine for itself. */
const DRILLS = ['adapter-lease', 's3-files', 's3-store', 'schedules', 'secrets', 'windows-and-rounds'].map((name) => `test/network/${name}.test.ts`);
const network = { globalSetup: ['test/network/support/setup.ts'], ...quiet, ...patient };

/**
 * `unit` needs no server; `fuzz` gives hostile files to every reader; `network` starts Temporal, the local chain, S3 and
 * workers; `drills` do, too, one after the other. Unit tests keep to themselves, so that their files may share a process,
 * which halves the time. One project after another, as the first two take all that the machine has.
 */
export default defineConfig({
  test: {
    sequence: { sequencer: LongestFirst },
    reporters: ['default', './test/summary-reporter.ts'],
    projects: [
      { test: { name: 'unit', include: ['test/**/*.test.ts'], exclude: ['test/network/**', 'test/fuzz/**'], sequence: { groupOrder: 0 }, ...quiet, isolate: false, maxWorkers: '100%' } },
      { test: { name: 'fuzz', include: ['test/fuzz/**/*.test.ts'], sequence: { groupOrder: 1 }, ...quiet } },
      { test: { name: 'network', include: ['test/network/**/*.test.ts'], exclude: DRILLS, maxWorkers: SIDE_BY_SIDE, sequence: { groupOrder: 2 }, ...network } },
      { test: { name: 'drills', include: DRILLS, maxWorkers: 1, sequence: { groupOrder: 3 }, ...network } },
    ],
  },
});
