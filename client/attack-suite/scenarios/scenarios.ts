import { commits } from './commits.ts';
import { copies } from './copies.ts';
import { files } from './files.ts';
import type { Scenario } from './scenario.ts';
import { sybils } from './sybils.ts';
import { training } from './training.ts';

/** Every attack that is played in a round, by name. */
export const scenarios: ReadonlyMap<string, Scenario> = new Map([...copies, ...commits, ...files, ...sybils, ...training]);
