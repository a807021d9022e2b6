import { Random } from '../../genki/protocol/random.ts';
import { mutateBytes } from './mutate-bytes.ts';

export type Outcome = 'accepted' | 'refused';

/** A reader of bytes from outside, and what has to hold whatever it is given. */
export type Target = {
  readonly name: string;
  /** Share of the cases. */
  readonly weight: number;
  /** What its caller refuses unread is not tried. */
  readonly maxBytes: number;
  /** Files that it has to accept. */
  readonly valid: readonly Uint8Array[];
  /** Changes that know the format. */
  readonly mutate?: (bytes: Uint8Array, random: Random, other: Uint8Array) => Uint8Array;
  /** @throws {Violation} or anything that the reader may not throw */
  readonly check: (bytes: Uint8Array) => Outcome | Promise<Outcome>;
};

/** What a reader accepted that it should not have, or has changed. */
export class Violation extends Error {
  override readonly name = 'Violation';
}

export function holds(condition: boolean, what: string): asserts condition {
  if (!condition) throw new Violation(`Expected ${what}`);
}

type ErrorClass = abstract new (...args: never[]) => Error;

/** What the reader returns; undefined when it refuses with one of its documented errors, which says what it expected. */
export function accepted<T>(errors: readonly ErrorClass[], read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    return refusal(errors, error);
  }
}

export async function acceptedLater<T>(errors: readonly ErrorClass[], read: () => Promise<T>): Promise<T | undefined> {
  try {
    return await read();
  } catch (error) {
    return refusal(errors, error);
  }
}

function refusal(errors: readonly ErrorClass[], error: unknown): undefined {
  if (!(error instanceof Error) || !errors.some((one) => error.constructor === one)) throw error;
  if (!/expected/i.test(error.message)) throw new Violation(`Expected a refusal to say what it expected, got: ${error.message.slice(0, 200)}`);
  return undefined;
}

/** The input of one case: first the valid files as they are, then changed ones. The same seed gives the same bytes. */
export function inputOf({ name, valid, mutate, maxBytes }: Target, index: number, seed: string): Uint8Array {
  const whole = valid[index];
  if (whole !== undefined) return whole;
  const random = new Random(`fuzz/${seed}/${name}/${index}`);
  const [base, other] = [random.pick(valid), random.pick(valid)];
  const isStructured = mutate !== undefined && random.chance(0.65);
  const once = isStructured ? mutate(base, random, other) : mutateBytes(base, random, other);
  const changed = isStructured && random.chance(0.15) ? mutateBytes(once, random, other) : once;
  return changed.slice(0, maxBytes);
}
