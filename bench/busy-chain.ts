import { join } from 'node:path';
import type { Call } from '../genki/chain/chain.ts';
import { encodeHotkey } from '../genki/chain/keys.ts';
import { authorPulse, authorRandomness, blockHash } from '../genki/chain/local/block.ts';
import { BlockDraft } from '../genki/chain/local/block-draft.ts';
import { headerOf, restoreBranch } from '../genki/chain/local/entries.ts';
import { decodeExtrinsic, signExtrinsic } from '../genki/chain/local/extrinsic.ts';
import { defaultGenesis, type Genesis } from '../genki/chain/local/genesis.ts';
import { openJournal } from '../genki/chain/local/journal.ts';
import { Snapshots } from '../genki/chain/local/snapshots.ts';
import { genesisState, type State } from '../genki/chain/local/state.ts';
import { States } from '../genki/chain/local/states.ts';
import { Random } from '../genki/protocol/random.ts';

export const TEMPO = 20;
export const SECRET = new Uint8Array(32).fill(5);

export type Size = { readonly neurons: number; readonly validators: number };

const hotkeyOf = (uid: number): string => encodeHotkey(Uint8Array.from({ length: 32 }, (_, i) => (i < 2 ? (uid >> (8 * i)) & 0xff : 7)));

/** Validators with stake and permit, and miners, up to the last uid. */
export const busySubnet = ({ neurons, validators }: Size): Genesis =>
  defaultGenesis({
    owner: hotkeyOf(0),
    tempo: TEMPO,
    neurons: Array.from({ length: neurons }, (_, uid) => ({ hotkey: hotkeyOf(uid), coldkey: hotkeyOf(0), stake: uid < validators ? String(10 ** 12 + uid * 10 ** 9) : '0', validatorPermit: uid < validators })),
  });

export type BusyChain = {
  readonly dir: string;
  readonly size: Size;
  readonly blocks: number;
  /** Told every state, and how long its block took, in milliseconds. */
  readonly onBlock?: (state: State, tookMs: number) => void;
};

/**
 * Writes a folder that `openNode` can carry on with: in each epoch every validator sets a row with a weight for all, and
 * every miner commits. It signs with zeros, which nobody checks in a block that was made, and syncs nothing.
 */
export async function writeBusyChain({ dir, size, blocks, onBlock }: BusyChain): Promise<void> {
  const genesis = busySubnet(size);
  const { journal } = await openJournal(join(dir, 'journal.jsonl'), (disk) => ({ appendFile: (line) => disk.appendFile(line), truncate: (length) => disk.truncate(length), datasync: async () => undefined, close: () => disk.close() }));
  try {
    await journal.append(headerOf(genesis));
    const branch = restoreBranch(genesis, []);
    const states = new States({ genesis, branch, journal, snapshots: new Snapshots(join(dir, 'states'), genesisState(genesis)) });
    const random = new Random('busy chain');
    for (let number = 1; number <= blocks; number++) {
      const started = performance.now();
      const pulse = authorPulse(SECRET, genesis, number);
      const parent = branch.best.hash;
      const draft = new BlockDraft(states.at(branch.best), genesis, pulse);
      for (const hex of extrinsicsOf(number, size, random)) if (!draft.include(decodeExtrinsic(hex))) throw new Error(`Expected block ${number} to take its extrinsics`);
      const { extrinsics } = draft;
      const header = { number, parent, randomness: authorRandomness(SECRET, parent), pulse };
      const record = { hash: blockHash({ ...header, extrinsics }), included: draft.inclusions.map(({ hash }) => hash), failed: draft.failures };
      const line = await journal.append({ ...header, ...record, extrinsics });
      states.add(branch.append({ ...record, line }), draft);
      onBlock?.(draft.state, performance.now() - started);
    }
  } finally {
    await journal.close();
  }
}

/** Each neuron acts once in an epoch, in the block of its turn. */
function extrinsicsOf(number: number, size: Size, random: Random): string[] {
  const turn = number % TEMPO;
  const uids = Array.from({ length: size.neurons }, (_, uid) => uid).filter((uid) => uid % TEMPO === turn);
  const nonce = Math.floor((number - 1) / TEMPO);
  return uids.map((uid) => {
    const signer = { hotkey: hotkeyOf(uid), sign: () => new Uint8Array(64) };
    const draft = { call: callOf(uid, size, random), nonce, bornAt: Math.max(0, number - 3), period: 32 };
    return signExtrinsic(draft, { genesisHash: ZERO, specVersion: 0, birthHash: ZERO }, signer).hex;
  });
}

const ZERO = `0x${'0'.repeat(64)}`;

function callOf(uid: number, { neurons, validators }: Size, random: Random): Call {
  if (uid >= validators) return { kind: 'setCommitment', netuid: 1, fields: [{ kind: 'raw', data: Array.from({ length: 100 }, () => random.int(256).toString(16).padStart(2, '0')).join('') }] };
  const uids = Array.from({ length: neurons }, (_, i) => i);
  return { kind: 'setWeights', netuid: 1, uids, weights: uids.map(() => 1 + random.int(65_535)), versionKey: 0 };
}
