import * as z from 'zod';
import type { Chain, Metagraph } from '../genki/chain/chain.ts';
import { InvalidInput } from '../genki/errors.ts';
import { canonicalJson } from '../genki/protocol/canonical-json.ts';
import { decodeCommitRecord } from '../genki/protocol/commit-record.ts';
import type { Competition } from '../genki/protocol/competition.ts';
import { sha256Hex } from '../genki/protocol/digests.ts';
import { drawPool, type Past } from '../genki/protocol/evaluation-pool.ts';
import { isEvaluable } from '../genki/protocol/window.ts';
import type { ObjectRef, ObjectStore } from '../genki/store/object-store.ts';
import { parseJson } from './parse-json.ts';
import { plainText } from './plain-text.ts';
import type { Submission } from './round.ts';

const Line = z.strictObject({
  hotkey: z.string(),
  registeredAt: z.int(),
  commitBlock: z.int().nullable(),
  commitIndex: z.int().nullable(),
  waitingSince: z.int().nullable(),
  verdict: z.enum(['rejected', 'unavailable', 'absent']),
  reason: z.string(),
});
/** A miner that a round does not look at, and why. */
export type NotEvaluated = z.infer<typeof Line>;

/** All registered miners at a snapshot. */
export type Roster = {
  /** To be looked at, in commit order. */
  readonly submissions: readonly Submission[];
  readonly notEvaluated: readonly NotEvaluated[];
  /** How many of `notEvaluated` could have been looked at, but were not drawn. */
  readonly notDrawn: number;
};

const File = z.strictObject({ version: z.literal(1), notEvaluated: z.array(Line) });
/** 65,536 uids with 400 characters of reason each. */
const MAX_BYTES = 64 * 2 ** 20;

/**
 * Every registered miner has a line: a submission to look at, or why there is none.
 * @param past the miners of the last report
 */
export async function rosterAt(chain: Chain, metagraph: Metagraph, { competition: { id, timing, pool }, past }: { competition: Competition; past: readonly Past[] }): Promise<Roster> {
  const commitments = await chain.commitments(metagraph.netuid, metagraph.at.hash);
  const miners = new Map(metagraph.neurons.flatMap((n) => (n.validatorPermit || n.hotkey === metagraph.owner ? [] : [[n.hotkey, n] as const])));
  const candidates: Submission[] = [];
  const notEvaluated: NotEvaluated[] = [];
  for (const { hotkey, block, indexInBlock, data } of commitments) {
    const miner = miners.get(hotkey);
    if (!miner) continue;
    miners.delete(hotkey);
    const line = { hotkey, registeredAt: miner.registeredAt, commitBlock: block, commitIndex: indexInBlock };
    const refuse = (verdict: NotEvaluated['verdict'], reason: string): void => void notEvaluated.push({ ...line, waitingSince: null, verdict, reason });
    const record = decodeCommitRecord(data);
    if (!record.ok) refuse('rejected', plainText(record.reason));
    else if (record.value.competition !== id) refuse('rejected', plainText(`committed to the competition ${record.value.competition ?? 'None'}, this one is ${id}`));
    else if (!isEvaluable(block, metagraph.at.number, timing.evalDelayBlocks)) refuse('unavailable', `committed ${metagraph.at.number - block} blocks before the snapshot, ${timing.evalDelayBlocks} are needed: the next round looks at it`);
    else candidates.push({ ...line, data });
  }
  for (const { hotkey, registeredAt } of miners.values()) {
    notEvaluated.push({ hotkey, registeredAt, commitBlock: null, commitIndex: null, waitingSince: null, verdict: 'absent', reason: 'registered, but has committed nothing' });
  }
  const { drawn, waiting } = drawPool(candidates, past, pool);
  waiting.forEach(({ candidate: { hotkey, registeredAt, commitBlock, commitIndex }, since }, before) => {
    notEvaluated.push({ hotkey, registeredAt, commitBlock, commitIndex, waitingSince: since, verdict: 'unavailable', reason: `not drawn this round: ${drawn.length} of ${candidates.length} are looked at; it waits since block ${since}, ${before} longer` });
  });
  return { submissions: drawn, notEvaluated, notDrawn: waiting.length };
}

/** Keeps who is not looked at, under its content's own name: with ten thousand miners it is too much to hand on. */
export function keepRoster(store: ObjectStore, { bucket, prefix }: { bucket: string; prefix: string }, { notEvaluated }: Roster): Promise<ObjectRef> {
  const bytes = new TextEncoder().encode(canonicalJson({ version: 1, notEvaluated }));
  return store.putOnce(bucket, `${prefix}/roster-${sha256Hex(bytes).slice(0, 16)}.json`, bytes);
}

/** @throws {InvalidInput} when it is no roster; {ObjectMissing} {ChecksumMismatch} {TooLarge} {StoreUnavailable} */
export async function readRoster(store: ObjectStore, ref: ObjectRef): Promise<readonly NotEvaluated[]> {
  const parsed = File.safeParse(parseJson(await store.get(ref, { maxBytes: MAX_BYTES })));
  if (!parsed.success) throw new InvalidInput(`Expected a roster in ${ref.key}:\n${z.prettifyError(parsed.error)}`);
  return parsed.data.notEvaluated;
}
