import type { Figure } from './figure.ts';

/** What a benchmark is given. */
export type Context = {
  /** An empty folder, removed after the run. */
  readonly folder: string;
  /** A Python that may have torch. */
  readonly python: string;
  /** Whether stdout belongs to lines of JSON. */
  readonly json: boolean;
  /** Says something to the person, not to the table. */
  readonly note: (line: string) => void;
};

export type Benchmark = {
  /** What it measures, beside what, and where it should come out. */
  readonly about: string;
  /** @returns its figures; none when it has printed them itself */
  readonly run: (context: Context) => Promise<readonly Figure[]>;
};
