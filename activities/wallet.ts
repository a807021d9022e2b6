import { ApplicationFailure, heartbeat } from '@temporalio/activity';
import * as z from 'zod';
import type { BlockRef, Call, Chain, Landing, Metagraph, SignedExtrinsic, Signer, WeightRow } from '../genki/chain/chain.ts';
import { maxUpscale } from '../genki/chain/yuma/max-upscale.ts';
import { ChainUnavailable, ExtrinsicRefused, InvalidInput } from '../genki/errors.ts';
import { signManifest, type ManifestBody } from '../genki/protocol/manifest.ts';
import { signSliceFile, type SignedSlice } from '../genki/protocol/slices.ts';
import { signWindowEntry, type WindowEntry } from '../genki/protocol/window-log.ts';

/** What a hotkey wants to be true on the chain; uids are resolved when it is signed, because a uid can change its owner. */
export type Effect = z.infer<typeof Effect>;
const U16 = z.int().min(0).max(65_535);
const Effect = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('commitment'), netuid: U16, data: z.string().regex(/^([0-9a-f]{2})*$/, 'expected lower-case hex') }),
  z.strictObject({ kind: z.literal('weights'), netuid: U16, epoch: z.int().nonnegative(), versionKey: z.int().nonnegative(), weights: z.array(z.strictObject({ hotkey: z.string(), weight: U16 })).readonly() }),
  z.strictObject({ kind: z.literal('triggerEpoch'), netuid: U16, epoch: z.int().nonnegative() }),
]);

/** An effect, and the newest finalized block that is known of: a node that is behind it has nothing to say. */
export type Wanted = { readonly effect: Effect; readonly notBefore: number };

type Refusal = { readonly code: string; readonly message: string };
export type Prepared = { readonly kind: 'alreadyTrue'; readonly block: number } | { readonly kind: 'signed'; readonly extrinsic: SignedExtrinsic } | ({ readonly kind: 'refused' } & Refusal);

export type WalletDeps = { readonly chain: Chain; readonly signer: Signer; readonly blockMs: number };
export type WalletActivities = ReturnType<typeof createWalletActivities>;

/** The hands of one hotkey. They sign and send; they never open a miner's file. */
export const createWalletActivities = ({ chain, signer, blockMs }: WalletDeps) => ({
  /** The signed manifest, UTF-8 text. */
  async signManifest(body: ManifestBody): Promise<string> {
    if (body.hotkey !== signer.hotkey) throw new InvalidInput(`Expected a manifest of ${signer.hotkey}, got one of ${body.hotkey}`);
    return new TextDecoder().decode(signManifest(body, signer));
  },

  /** The signed entry of the window log, UTF-8 text. */
  async signWindowEntry(entry: WindowEntry): Promise<string> {
    return new TextDecoder().decode(signWindowEntry(entry, signer));
  },

  /** What is signed of a slice, UTF-8 text. */
  async signSlice(slice: SignedSlice): Promise<string> {
    return new TextDecoder().decode(signSliceFile(slice, signer));
  },

  /** Signs once, unless the effect already holds at the finalized head, or cannot come true any more. Sends nothing. */
  async prepareExtrinsic({ effect: wanted, notBefore }: Wanted): Promise<Prepared> {
    const effect = parseEffect(wanted);
    const head = await chain.head();
    if (head.number < notBefore) throw new ChainUnavailable(`Expected a node that knows block ${notBefore}, its head is ${head.number}`);
    try {
      const metagraph = await chain.metagraph(effect.netuid, head.hash);
      const call = toCall(effect, metagraph);
      const block = await alreadyTrue(chain, effect, { call, hotkey: signer.hotkey, metagraph });
      if (block !== undefined) return { kind: 'alreadyTrue', block };
      if (effect.kind === 'weights') await waitForTurn(chain, metagraph, { hotkey: signer.hotkey, blockMs });
      return { kind: 'signed', extrinsic: await chain.prepare(call, signer) };
    } catch (error) {
      return { kind: 'refused', ...refusalOf(error) };
    }
  },

  /** Sends the recorded bytes; `refused` says why the pool will not have them. */
  async broadcastExtrinsic(extrinsic: SignedExtrinsic): Promise<{ refused?: Refusal }> {
    try {
      await chain.broadcast(extrinsic);
      return {};
    } catch (error) {
      const refused = refusalOf(error);
      // a used nonce may well be our own earlier try: blocks will tell
      return refused.code === 'Stale' ? {} : { refused };
    }
  },

  /**
   * What became of it, once finalized blocks can tell. Until then the same bytes are sent again: a pool forgets when its
   * node is killed or its block is reorganised away, and at most one copy can land.
   */
  async confirmExtrinsic({ extrinsic, effect }: { extrinsic: SignedExtrinsic; effect: Effect }): Promise<Exclude<Landing, { kind: 'pending' }>> {
    const landing = await chain.landing(extrinsic);
    heartbeat(landing.kind);
    if (landing.kind === 'included') await checkEffect(chain, effect, { hotkey: signer.hotkey, extrinsic, block: landing.block });
    if (landing.kind !== 'pending') return landing;
    // what the pool says now decides nothing: its era or its nonce will
    await chain.broadcast(extrinsic).catch((error: unknown) => refusalOf(error));
    throw ApplicationFailure.create({ message: `${extrinsic.hash} is not in a finalized block yet`, type: 'BlockNotFinal', nextRetryDelay: blockMs, category: 'BENIGN' });
  },
});

/** @throws {InvalidInput} before anything is signed: a malformed one would be tried for ever, and all others wait behind it */
function parseEffect(wanted: unknown): Effect {
  const parsed = Effect.safeParse(wanted);
  if (!parsed.success) throw new InvalidInput(`Expected an effect on the chain:\n${z.prettifyError(parsed.error)}`);
  return parsed.data;
}

/** Code and words of a refusal; anything else is thrown on. */
function refusalOf(error: unknown): Refusal {
  if (!(error instanceof ExtrinsicRefused)) throw error;
  return { code: error.code, message: error.message.slice(error.code.length + ': '.length) };
}

/** The block since which the effect holds; undefined when it does not. */
async function alreadyTrue(chain: Chain, effect: Effect, { call, hotkey, metagraph }: { call: Call; hotkey: string; metagraph: Metagraph }): Promise<number | undefined> {
  const at = metagraph.at.hash;
  if (effect.kind === 'commitment') {
    const mine = (await chain.commitments(effect.netuid, at)).find((c) => c.hotkey === hotkey);
    return mine?.data === effect.data ? mine.block : undefined;
  }
  if (effect.kind === 'triggerEpoch') return metagraph.epoch > effect.epoch ? metagraph.epochStart : undefined;
  if (metagraph.epoch > effect.epoch) throw new ExtrinsicRefused('EpochOver', `weights of epoch ${effect.epoch} cannot be set any more, the chain is in epoch ${metagraph.epoch}`);
  const me = metagraph.neurons.find((n) => n.hotkey === hotkey);
  const set = (me?.lastUpdate ?? 0) >= metagraph.epochStart;
  const row = (await chain.weights(effect.netuid, at)).find((r) => r.hotkey === hotkey);
  // a row of the epoch before may have been signed at its end and have landed in this one
  return set && row && me && isKept(row, call) ? me.lastUpdate : undefined;
}

/** Whether the chain has what the call would set; a weight for a uid that has passed on is 0. */
function isKept(row: WeightRow, call: Call): boolean {
  if (call.kind !== 'setWeights') return false;
  const upscaled = maxUpscale(call.weights);
  const wanted = call.uids.flatMap((uid, i) => (upscaled[i]! > 0 ? [`${uid}:${upscaled[i]}`] : []));
  const kept = row.weights.flatMap(({ uid, weight }) => (weight > 0 ? [`${uid}:${weight}`] : []));
  return wanted.join() === kept.join();
}

/** A rate limit is waited out in blocks (protocol §5.19). @throws {ApplicationFailure} `RateLimited`, until the next block may take weights */
async function waitForTurn(chain: Chain, { netuid, neurons, at: head }: Metagraph, { hotkey, blockMs }: { hotkey: string; blockMs: number }): Promise<void> {
  const { weightsRateLimit } = await chain.hyperparameters(netuid, head.hash);
  const last = neurons.find((n) => n.hotkey === hotkey)?.lastUpdate ?? 0;
  const missing = last === 0 ? 0 : last + weightsRateLimit - (head.number + 1);
  if (missing > 0) throw ApplicationFailure.create({ message: `Weights may be set again from block ${last + weightsRateLimit} on, the head is ${head.number}`, type: 'RateLimited', nextRetryDelay: missing * blockMs, category: 'BENIGN' });
}

/** @throws {ChainUnavailable} when the state after that block shows no trace of what the node says is in it */
async function checkEffect(chain: Chain, { kind, netuid }: Effect, { hotkey, extrinsic, block }: { hotkey: string; extrinsic: SignedExtrinsic; block: BlockRef }): Promise<void> {
  // the epoch turns in a later block
  if (kind === 'triggerEpoch') return;
  const me = (await chain.metagraph(netuid, block.hash)).neurons.find((n) => n.hotkey === hotkey);
  // replaced by a newcomer later in that block: nothing of it is left to be seen
  if (!me) return;
  const since = kind === 'commitment' ? (await chain.commitments(netuid, block.hash)).find((c) => c.hotkey === hotkey)?.block : me.lastUpdate;
  if (since !== block.number) throw new ChainUnavailable(`Expected the effect of ${extrinsic.hash} in the state after block ${block.number}, where the node says that it is, got one of block ${since ?? 'none'}`);
}

function toCall(effect: Effect, { neurons }: Metagraph): Call {
  if (effect.kind === 'commitment') return { kind: 'setCommitment', netuid: effect.netuid, fields: [{ kind: 'raw', data: effect.data }] };
  if (effect.kind === 'triggerEpoch') return { kind: 'triggerEpoch', netuid: effect.netuid };
  const rows = effect.weights.flatMap(({ hotkey, weight }) => {
    const neuron = neurons.find((n) => n.hotkey === hotkey);
    return neuron ? [{ uid: neuron.uid, weight }] : [];
  });
  rows.sort((a, b) => a.uid - b.uid);
  return { kind: 'setWeights', netuid: effect.netuid, uids: rows.map((r) => r.uid), weights: rows.map((r) => r.weight), versionKey: effect.versionKey };
}
