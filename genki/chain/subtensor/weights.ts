import { hexToBytes } from '@noble/hashes/utils.js';
import * as z from 'zod';
import type { Hotkey, WeightCommit, WeightRow } from '../chain.ts';
import { blake2Hash } from '../keys.ts';
import type { StateAt } from './connection.ts';
import { statelessClock } from './epochs.ts';
import { Address, json, U16, Whole } from './values.ts';

const Row = z.array(z.tuple([U16, U16]));
/** Commits of one hotkey. Runtimes that count epochs keep (hash, epoch, block, 0), older ones (hash, block, first and last block of the reveal). */
const HashCommits = z.array(z.tuple([z.string(), Whole, Whole, Whole]));
/** Those of one epoch: hotkey, block, ciphertext, round. */
const Timelocked = z.array(z.tuple([Address, Whole, z.string().regex(/^0x([0-9a-f]{2})*$/), Whole]));

/** Rows of the weight matrix that are set, by uid. */
export async function weightsAt(state: StateAt, netuid: number): Promise<WeightRow[]> {
  const hotkeys = await hotkeysOf(state, netuid);
  const entries = await state.query['subtensorModule']!['weights']!.entries(netuid);
  const rows = entries.map(([key, value]) => ({ uid: U16.parse(json(key.args[1])), row: Row.parse(json(value)) }));
  return rows
    .sort((a, b) => a.uid - b.uid)
    .flatMap(({ uid, row }) => (row.length > 0 && hotkeys.has(uid) ? [{ hotkey: hotkeys.get(uid)!, weights: row.map(([to, weight]) => ({ uid: to, weight })) }] : []));
}

/** Weights of registered hotkeys that are committed and not revealed, by (block, hotkey). */
export async function weightCommitsAt(state: StateAt, netuid: number): Promise<WeightCommit[]> {
  const pallet = state.query['subtensorModule']!;
  const countsEpochs = pallet['subnetEpochIndex'] !== undefined;
  const [hotkeys, tempo, hashes, timelocked] = await Promise.all([hotkeysOf(state, netuid), pallet['tempo']!(netuid), pallet['weightCommits']?.entries(netuid) ?? [], pallet['timelockedWeightCommits']?.entries(netuid) ?? []]);
  const registered = new Set(hotkeys.values());
  const schedule = { netuid, tempo: Whole.parse(json(tempo)) };
  const commits = [
    ...hashes.flatMap(([key, value]) => {
      const hotkey = Address.parse(json(key.args[1]));
      return HashCommits.parse(json(value) ?? []).map(([hash, first, second]): WeightCommit => ({ hotkey, kind: 'hash', hash, ...(countsEpochs ? { epoch: first, block: second } : { epoch: statelessClock(first, schedule).epoch, block: first }) }));
    }),
    ...timelocked.flatMap(([key, value]) => {
      const epoch = Whole.parse(json(key.args[1]));
      return Timelocked.parse(json(value)).map(([hotkey, block, bytes]): WeightCommit => ({ hotkey, kind: 'timelocked', hash: blake2Hash(hexToBytes(bytes.slice(2))), block, epoch }));
    }),
  ];
  return commits.filter(({ hotkey }) => registered.has(hotkey)).sort((a, b) => a.block - b.block || (a.hotkey === b.hotkey ? 0 : a.hotkey < b.hotkey ? -1 : 1));
}

async function hotkeysOf(state: StateAt, netuid: number): Promise<Map<number, Hotkey>> {
  const keys = await state.query['subtensorModule']!['keys']!.entries(netuid);
  return new Map(keys.map(([key, hotkey]) => [U16.parse(json(key.args[1])), Address.parse(json(hotkey))]));
}
