import { ActivityFailure, ApplicationFailure } from '@temporalio/workflow';
import type { Awaited, ModelFor, NextModel } from '../activities/delta-model.ts';
import type { ObjectRef } from '../genki/store/object-store.ts';
import { delta, deltaWaiting, scoring } from './steps.ts';

type Advance = Extract<NextModel, { kind: 'advance' }>;
/** The model that a window begins from, or why it came too late. */
export type ModelOf = Pick<Extract<NextModel, { kind: 'there' }>, 'kind' | 'state' | 'entry'> | { readonly kind: 'late'; readonly reason: string };

/**
 * Goes on to the model that a window begins from, by the log. Only who applies an entry knows whether it is right: where one
 * of several is not, they are applied one by one; where the first is not, it is left aside, and the next in line counts. Where
 * the node's own model is spoiled, it begins once from another.
 * @param awaiting hears whose turn it is
 */
export async function followToModel(window: ModelFor, awaiting: (awaited: Awaited | undefined) => void): Promise<ModelOf> {
  const without: string[] = [];
  let known: Awaited | null = null;
  let oneByOne = false;
  let anew: 'not yet' | 'now' | 'done' = 'not yet';
  for (;;) {
    const next: NextModel = await deltaWaiting.nextModel.executeWithOptions({ summary: `the model of window ${window.index}` }, [{ window, without, anew: anew === 'now', known }]);
    if (next.kind === 'waiting') {
      const { kind: _, ...awaited } = next;
      known = awaited;
      awaiting(awaited);
      continue;
    }
    awaiting(undefined);
    if (next.kind !== 'advance') return next;
    const wrong = await advance(window, next, oneByOne);
    if (anew === 'now') anew = 'done';
    if (wrong === undefined) continue;
    if (wrong.isModel && next.fromOwn && anew === 'not yet') anew = 'now';
    else if (!oneByOne && next.input.steps.length > 1) oneByOne = true;
    else without.push(...wrong.entry);
  }
}

/** The first entry that it went on by, when one of them was wrong, or the model before them. */
async function advance(window: ModelFor, { input, entry }: Advance, oneByOne: boolean): Promise<{ readonly entry: readonly string[]; readonly isModel: boolean } | undefined> {
  const [first, ...more] = input.steps;
  const some = oneByOne && first && more.length > 0 ? { ...input, steps: [first] } : input;
  try {
    const state = await scoring.advance.executeWithOptions({ summary: `${some.steps.length} windows of the log` }, [some]);
    await delta.keepModel.executeWithOptions({ summary: `keep the model of window ${window.index}` }, [{ window, begins: some === input ? window.index : first!.window + 1, state, entry: some.steps.at(-1)?.entry ?? entry }]);
    return undefined;
  } catch (error) {
    if (!first || !isWrong(error)) throw error;
    return { entry: namesOf(first.entry), isModel: typeOf(error) === 'ModelSpoiled' };
  }
}

/** An entry, or what it names, is not what it should be: its leader's fault. */
const WRONG = new Set<string | null | undefined>(['BadSubmission', 'ChecksumMismatch', 'ObjectMissing', 'TooLarge', 'NewerSchema', 'ModelSpoiled', 'InvalidInput', 'SyntaxError', 'RangeError', 'TypeError']);
export const isWrong = (error: unknown): boolean => WRONG.has(typeOf(error));
const typeOf = (error: unknown): string | null | undefined => (error instanceof ActivityFailure && error.cause instanceof ApplicationFailure ? error.cause.type : undefined);

/** An entry that is left aside, and whatever else its leader writes in its place. */
export const namesOf = ({ bucket, key, sha256 }: ObjectRef): string[] => [sha256, `${bucket}/${key}`];
