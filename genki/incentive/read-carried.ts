import * as z from 'zod';
import { InvalidInput } from '../errors.ts';
import { MAX_CARRIED, type Carried } from './epoch-scores.ts';
import { minerKey, type Miner } from './miner.ts';
import { MAX_MU } from './rating.ts';

const Since = { competition: z.string().regex(/^[a-z0-9]{1,8}$/), hotkey: z.string().regex(/^[0-9A-Za-z]{1,64}$/), registeredAt: z.int().nonnegative(), epoch: z.int().nonnegative() };
const Score = z.strictObject({ ...Since, value: z.number().min(-1).max(1) });
const Rating = z.strictObject({ ...Since, mu: z.number().min(-MAX_MU).max(MAX_MU), sigma: z.number().positive().max(MAX_MU) });

/** Looks at no entry before it knows that there are not too many, and at none behind the first that is wrong. */
const entriesOf = (Entry: z.ZodType<Miner>) =>
  z
    .custom((value) => Array.isArray(value) && value.length <= MAX_CARRIED && value.every((one) => Entry.safeParse(one).success), `expected at most ${MAX_CARRIED} entries of this kind`)
    .refine((entries) => new Set((entries as Miner[]).map(minerKey)).size === (entries as Miner[]).length, { error: 'expected each miner once', when: ({ issues }) => issues.length === 0 });
const CarriedState = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('average'), entries: entriesOf(Score) }),
  z.strictObject({ kind: z.literal('openskill'), entries: entriesOf(Rating) }),
]);

/**
 * What an epoch left to the next, from another's report.
 * @throws {InvalidInput} for an unknown key, too many entries, a miner twice, or a number that no epoch leaves
 */
export function readCarried(json: unknown): Carried {
  const parsed = CarriedState.safeParse(json);
  if (!parsed.success) throw new InvalidInput(`Expected scores of epochs before:\n${z.prettifyError(parsed.error)}`);
  return parsed.data as Carried;
}
