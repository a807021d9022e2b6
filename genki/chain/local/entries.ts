import * as z from 'zod';
import { ChecksumMismatch, InvalidInput } from '../../errors.ts';
import { blake2Hash } from '../keys.ts';
import { Block } from './block.ts';
import { Branch } from './branch.ts';
import { Genesis, genesisHash } from './genesis.ts';
import { JOURNAL_VERSION } from './journal.ts';

const Hash = z.string().regex(/^0x[0-9a-f]{64}$/);

/** The first entry; the text of its genesis is what the hash of block 0 is of. */
const Header = z.strictObject({ version: z.literal(JOURNAL_VERSION), genesis: z.record(z.string(), z.unknown()) });

/** A block, but for its extrinsics: what was once computed of it comes along, so that opening need not compute it again. */
const BlockEntry = Block.omit({ extrinsics: true }).extend({
  hash: Hash,
  included: z.array(z.string()),
  failed: z.array(z.strictObject({ index: z.int().min(0), code: z.string(), message: z.string() })),
});

/** From here on an earlier block is the best one. */
const ForkEntry = z.strictObject({ best: z.strictObject({ number: z.int().min(0), hash: Hash }) });

const Entry = z.union([BlockEntry, ForkEntry]);

export const headerOf = (genesis: Genesis): z.infer<typeof Header> => ({ version: JOURNAL_VERSION, genesis: Genesis.parse(genesis) });

/**
 * The branch that a journal's entries, without extrinsics, lead to.
 *
 * @throws {InvalidInput} when they began with another genesis
 * @throws {ChecksumMismatch} when one does not follow from those before it
 */
export function restoreBranch(genesis: Genesis, [header, ...entries]: readonly unknown[]): Branch {
  const hash = genesisHash(genesis);
  if (header !== undefined) {
    const began = blake2Hash(new TextEncoder().encode(JSON.stringify(parsed(Header, header, 1).genesis)));
    if (began !== hash) throw new InvalidInput(`Expected the genesis that this chain began with, ${began}, got ${hash}`);
  }
  const branch = new Branch(hash, genesis.finalityLag);
  entries.forEach((entry, i) => follow(branch, parsed(Entry, entry, i + 2), i + 2));
  return branch;
}

function follow(branch: Branch, entry: z.infer<typeof Entry>, line: number): void {
  const { best, finalized } = branch;
  if ('best' in entry) {
    const { number, hash } = entry.best;
    if (number < finalized.number || number >= best.number || branch.ref(number).hash !== hash) {
      throw new ChecksumMismatch(`Expected line ${line} to go back to a block from ${finalized.number} to ${best.number - 1}, got ${number}, ${hash}`);
    }
    branch.drop(number);
    return;
  }
  const { number, parent, hash, included, failed } = entry;
  if (number !== best.number + 1 || parent !== best.hash) {
    throw new ChecksumMismatch(`Expected line ${line} to be block ${best.number + 1} after ${best.hash}, got block ${number} after ${parent}`);
  }
  branch.append({ hash, included, failed, line });
}

function parsed<T>(schema: z.ZodType<T>, entry: unknown, line: number): T {
  const result = schema.safeParse(entry);
  if (!result.success) throw new ChecksumMismatch(`Expected line ${line} to be one of the local chain's: ${z.prettifyError(result.error)}`);
  return result.data;
}
