import { createJobs, type JobKind, type Jobs } from '../../activities/model/jobs.ts';
import { Turns } from '../../genki/store/turns.ts';
import { Stopped } from '../stop-signal.ts';

/** Runs a job in this process, saying what it is about. */
export type RunJob = <K extends JobKind>(kind: K, about: string, input: Jobs[K]['input']) => Promise<Jobs[K]['output']>;

type Options = { readonly signal: AbortSignal; /** Rewrites one line. */ readonly show: (line: string) => void };

/**
 * Jobs one after the other, whoever asks for several at once: they share what is loaded.
 * @throws {Stopped} once the signal has asked for it
 */
export function runHere(jobs: ReturnType<typeof createJobs>, { signal, show }: Options): RunJob {
  const turns = new Turns();
  const run: RunJob = async (kind, about, input) => {
    let steps = 0;
    show(about);
    const progress = async (details: unknown): Promise<boolean> => {
      show(`${about}, ${stepText(details, ++steps)}`);
      // lets a signal in
      await new Promise((resolve) => setImmediate(resolve));
      return !signal.aborted;
    };
    const output = await jobs[kind](input, { progress });
    if (output === undefined) throw signal.aborted ? (signal.reason as Error) : new Stopped(kind);
    return output;
  };
  return (kind, about, input) => turns.take('model', undefined, () => run(kind, about, input));
}

function stepText(details: unknown, steps: number): string {
  const { evaluations = steps, expected } = details as { evaluations?: number; expected?: number };
  return expected === undefined ? `step ${evaluations}` : `step ${evaluations} of ${expected}`;
}
