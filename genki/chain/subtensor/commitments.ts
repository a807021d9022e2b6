import * as z from 'zod';
import type { Commitment, CommitmentField, Hotkey, Metagraph } from '../chain.ts';
import type { Blocks } from './blocks.ts';
import type { StateAt } from './connection.ts';
import { Address, json, Whole } from './values.ts';

const Registration = z.object({ block: Whole, info: z.object({ fields: z.array(z.record(z.string(), z.unknown())) }) });
const Hex = z.string().regex(/^0x([0-9a-f]{2})*$/);

const HASHES = { blakeTwo256: 'blake2b256', sha256: 'sha256', keccak256: 'keccak256', shaThree256: 'sha3-256' } as const;
/** Blocks that are asked for at a time. */
const SIDE_BY_SIDE = 16;

/** Newest commitments of all registered hotkeys, none older than its registration, by (block, index in block, hotkey). */
export async function commitmentsAt(state: StateAt, blocks: Blocks, { netuid, neurons }: Pick<Metagraph, 'netuid' | 'neurons'>): Promise<Commitment[]> {
  const registeredAt = new Map(neurons.map((neuron) => [neuron.hotkey, neuron.registeredAt]));
  const entries = await state.query['commitments']!['commitmentOf']!.entries(netuid);
  const known = entries.flatMap(([key, value]) => {
    const hotkey = Address.parse(json(key.args[1]));
    const { block, info } = Registration.parse(json(value));
    const fields = info.fields.flatMap(fieldOf);
    return block >= (registeredAt.get(hotkey) ?? Number.POSITIVE_INFINITY) ? [{ hotkey, block, fields, data: fields.find(({ kind }) => kind === 'raw')?.data ?? '' }] : [];
  });
  const places = await placesIn(blocks, netuid, new Set(known.map(({ block }) => block)));
  return known
    .map((commitment) => ({ ...commitment, indexInBlock: places.get(commitment.block)!(commitment.hotkey) }))
    .sort((a, b) => a.block - b.block || a.indexInBlock - b.indexInBlock || (a.hotkey < b.hotkey ? -1 : 1));
}

/** For each block, the place of the extrinsic that made a hotkey's commitment; after all where it is not to be found. */
async function placesIn(blocks: Blocks, netuid: number, numbers: ReadonlySet<number>): Promise<Map<number, (hotkey: Hotkey) => number>> {
  const places = new Map<number, (hotkey: Hotkey) => number>();
  const waiting = [...numbers];
  await Promise.all(Array.from({ length: SIDE_BY_SIDE }, async () => {
    for (let number = waiting.pop(); number !== undefined; number = waiting.pop()) places.set(number, await blocks.commitmentPlaces(number, netuid));
  }));
  return places;
}

/** Raw data names its length in its kind: `raw16`. What is timelocked or a flag is no commitment to anything. */
function fieldOf(field: Readonly<Record<string, unknown>>): CommitmentField[] {
  const [kind = '', value] = Object.entries(field)[0] ?? [];
  const data = Hex.safeParse(value);
  if (!data.success) return [];
  const hex = data.data.slice(2);
  if (kind === 'bigRaw') return [{ kind: 'bigRaw', data: hex }];
  if (/^raw\d+$/.test(kind)) return [{ kind: 'raw', data: hex }];
  return kind in HASHES ? [{ kind: HASHES[kind as keyof typeof HASHES], data: hex }] : [];
}
