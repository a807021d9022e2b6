import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { decodeHotkey } from '../../../genki/chain/keys.ts';
import { scaleBytes, scaleU16s, scaleU64 } from '../../../genki/chain/scale.ts';
import { beaconPublicKey, beaconPulse, openTimelock, timelock } from '../../../genki/chain/timelock.ts';
import { decodeWeights } from '../../../genki/chain/weights-commit.ts';
import { ChecksumMismatch, InvalidInput, NewerSchema } from '../../../genki/errors.ts';
import { decodeExtrinsic, isSignedFor, MAX_EXTRINSIC_BYTES } from '../../../genki/chain/local/extrinsic.ts';
import { openJournal } from '../../../genki/chain/local/journal.ts';
import type { LocalNode } from '../../../genki/chain/local/node.ts';
import { serveRpc } from '../../../genki/chain/local/rpc-server.ts';
import { openNode } from '../../../genki/chain/local/node.ts';
import { commit, genesis, miner, produce, secret, setWeights, signed, validator } from '../../genki/chain/support.ts';
import { accepted, acceptedLater, holds, type Target } from '../target.ts';
import { json, mutatedJson } from './texts.ts';

const KiB = 2 ** 10;
/** Of JSON-RPC itself, of a refusal by the library, and of one by the runtime; −32603 would be an error that nobody foresaw. */
const RPC_ERRORS = [-32700, -32600, -32601, -32602, -32000, 1010];

/** The local chain's door and its disk. */
export async function chainTargets(folder: string): Promise<readonly Target[]> {
  const dir = join(folder, 'chain');
  const node = await openNode({ dir, genesis: genesis(), secret });
  node.submit(signed(node, commit('c0de'), miner).hex);
  await produce(node, 4);
  const { url } = await serveRpc(node, 0);
  return [extrinsics(node), rpcBodies(node, url), timelocks(), payloads(), journals(folder, readFileSync(join(dir, readdirSync(dir).find((name) => name.startsWith('journal'))!)))];
}

function extrinsics(node: LocalNode): Target {
  const calls = [signed(node, commit('c0de'), miner), signed(node, setWeights([0, 1], [1, 2]), validator)];
  const { genesisHash, specVersion, born } = node.signing(miner.hotkey);
  const original = new Set(calls.map(({ hex }) => hex));
  return {
    name: 'extrinsic', weight: 8, maxBytes: MAX_EXTRINSIC_BYTES + 100,
    valid: calls.map(({ hex }) => Uint8Array.from(Buffer.from(hex, 'hex'))),
    check: (bytes) => {
      const hex = Buffer.from(bytes).toString('hex');
      accepted([InvalidInput], () => decodeExtrinsic(Buffer.from(bytes).toString('latin1')));
      const read = accepted([InvalidInput], () => decodeExtrinsic(hex));
      if (read === undefined) return 'refused';
      holds(read.hex === hex && read.diesAt === read.bornAt + read.period, 'the extrinsic of these bytes');
      // its signer's public key may be no point of the curve
      holds(original.has(hex) === isSignedFor(read, { genesisHash, specVersion, birthHash: born.hash }), 'a signature of what was signed, and of nothing else');
      return 'accepted';
    },
  };
}

const ROW = { uids: [0, 1, 2], weights: [1, 65_535, 7], versionKey: 3 };

/** Whoever commits under a timelock may have encrypted anything. */
function payloads(): Target {
  const valid = Uint8Array.from([...scaleBytes(decodeHotkey(validator.hotkey)), ...scaleU16s(ROW.uids), ...scaleU16s(ROW.weights), ...scaleU64(ROW.versionKey)]);
  return {
    name: 'weights-payload', weight: 4, maxBytes: 5000, valid: [valid, valid.slice(33)],
    check: (bytes) => {
      const read = decodeWeights(bytes, validator.hotkey);
      if (read === undefined) return 'refused';
      holds([...read.uids, ...read.weights].every((value) => value <= 65_535) && Number.isSafeInteger(read.versionKey), 'values of the chain');
      holds(2 * (read.uids.length + read.weights.length) <= bytes.length, 'no more values than bytes');
      return 'accepted';
    },
  };
}

function timelocks(): Target {
  const beacon = new Uint8Array(32).fill(5);
  const message = new TextEncoder().encode('weights');
  const pulse = beaconPulse(beacon, 7);
  return {
    name: 'timelock', weight: 0.5, maxBytes: 5000, valid: [timelock(message, { publicKey: beaconPublicKey(beacon), round: 7 }, new Uint8Array(32).fill(6))],
    check: (bytes) => {
      const read = openTimelock(bytes, pulse);
      if (read === undefined) return 'refused';
      holds(Buffer.compare(read, message) === 0, 'what was encrypted');
      return 'accepted';
    },
  };
}

function rpcBodies(node: LocalNode, url: string): Target {
  const at = node.head().hash;
  const { hex } = signed(node, commit('beef'), miner);
  const landing = signed(node, commit('f00d'), validator);
  const calls: [string, object][] = [
    ['chain_head', {}], ['chain_blockHash', { number: 1 }], ['chain_metagraph', { netuid: 1, at }], ['chain_commitments', { netuid: 1, at }], ['chain_weights', { netuid: 1, at }],
    ['chain_signing', { signer: miner.hotkey }], ['chain_submit', { hex }], ['chain_landing', { hash: landing.hash, signer: landing.signer, nonce: landing.nonce, diesAt: landing.diesAt }],
  ];
  return {
    name: 'rpc', weight: 6, maxBytes: 300 * KiB,
    valid: calls.map(([method, params], id) => json({ jsonrpc: '2.0', id, method, params })),
    mutate: mutatedJson(64 * KiB),
    check: async (bytes) => {
      const response = await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body: bytes.slice() });
      if (response.status === 413) return 'refused';
      holds(response.status === 200, `status 200, got ${response.status}`);
      const text = await response.text();
      holds(text.length < 8 * 2 ** 20, `an answer of some size, got ${text.length} characters`);
      const answer = JSON.parse(text) as { jsonrpc: string; result?: unknown; error?: { code: number; message: string } };
      holds(answer.jsonrpc === '2.0', 'an answer of JSON-RPC 2.0');
      if (answer.error) {
        holds(RPC_ERRORS.includes(answer.error.code), `an error that was foreseen, got ${answer.error.code}: ${answer.error.message.slice(0, 200)}`);
        return 'refused';
      }
      const asked = JSON.parse(new TextDecoder().decode(bytes)) as { method: string; params?: { hex?: string } };
      holds(asked.method !== 'chain_submit' || asked.params?.hex === hex, 'an extrinsic that was signed');
      return 'accepted';
    },
  };
}

function journals(folder: string, whole: Buffer): Target {
  const path = join(folder, 'copy', 'journal');
  mkdirSync(join(folder, 'copy'), { recursive: true });
  let entries: readonly string[] | undefined;
  return {
    name: 'journal', weight: 1, maxBytes: 256 * KiB,
    valid: [Uint8Array.from(whole)],
    check: async (bytes) => {
      writeFileSync(path, bytes);
      const opened = await acceptedLater([ChecksumMismatch, InvalidInput, NewerSchema], () => openJournal(path));
      if (opened === undefined) return 'refused';
      await opened.journal.close();
      const read = opened.entries.map((entry) => JSON.stringify(entry));
      entries ??= read; // the valid one comes first
      holds(read.every((entry, i) => entry === entries![i]), 'the blocks that were acknowledged, from the first on');
      const kept = readFileSync(path);
      holds(kept.length === 0 || kept.at(-1) === 0x0a, 'no torn line');
      return 'accepted';
    },
  };
}
