import type { Connected } from '../../client/connect.ts';
import type { Competition } from '../../genki/protocol/competition.ts';
import type { Random } from '../../genki/protocol/random.ts';
import type { Strikes } from './strikes.ts';

export type Struggle = { readonly strikes: Strikes; readonly random: Random; readonly say: (line: string) => void };

/** What goes on while processes are killed, and what must hold of it afterwards. */
export type Scenario<T> = {
  readonly competition: Competition;
  /** Goes on until all kills are done, and lives what it began to its end. */
  readonly live: (connected: Connected, struggle: Struggle) => Promise<T>;
  /** Once nobody is killed any more. @param journal of the chain */
  readonly look: (connected: Connected, lived: T, journal: string) => Promise<{ readonly checked: Readonly<Record<string, number>>; readonly violations: string[] }>;
};

/** Erases what a scenario hands from `live` to `look`, so that scenarios stand side by side. */
export const scenario = <T>({ competition, live, look }: Scenario<T>): Scenario<unknown> => ({ competition, live, look: (connected, lived, journal) => look(connected, lived as T, journal) });
