import { createClosingActivities, type Before, type Closing, type Turn } from '../../../activities/closing.ts';
import { createModelActivities } from '../../../activities/delta-model.ts';
import type { Deployment } from '../../../activities/deployment.ts';
import { createJobs } from '../../../activities/model/jobs.ts';
import { createWalletActivities } from '../../../activities/wallet.ts';
import { sliceBlocksOf } from '../../../activities/window-terms.ts';
import type { Engine } from '../../../genki/engine/engine.ts';
import { encodeSlice } from '../../../genki/federation/compression/slice-file.ts';
import { encodeUpdate } from '../../../genki/federation/compression/update-codec.ts';
import { merkleRoot } from '../../../genki/federation/compression/merkle.ts';
import type { WindowState } from '../../../genki/federation/window-state.ts';
import { encodeCommitRecord } from '../../../genki/protocol/commit-record.ts';
import { competitionDigest, type Competition } from '../../../genki/protocol/competition.ts';
import type { Codec } from '../../../genki/protocol/exchange.ts';
import { sha256Hex } from '../../../genki/protocol/digests.ts';
import { manifestCommit, signManifest, UPDATE_FILE, type WindowManifest } from '../../../genki/protocol/manifest.ts';
import { contentOf, keyFileOf, seal, SECRET_BYTES, signKeyFile } from '../../../genki/protocol/sealing.ts';
import { signSliceFile, sliceFileOf, type SignedSlice } from '../../../genki/protocol/slices.ts';
import { sliceKey, windowKey, type WindowEntry } from '../../../genki/protocol/window-log.ts';
import type { ObjectRef } from '../../../genki/store/object-store.ts';
import { BLOCK_MS, participant, type Actor, type Shelf, type Street } from './federation.ts';
import { randomUpdate, TOY_LAYOUT, WINDOW_BLOCKS, windowsOf } from './delta.ts';

/** Turns of two blocks: two validators have one. */
export const quickly = (codec?: Codec, more: Partial<Competition> = {}): Competition => {
  const { delta } = windowsOf(codec);
  return windowsOf(codec, { delta: { ...delta!, timing: { ...delta!.timing, successionBlocks: 2 } }, ...more });
};

const GO_ON = { progress: async () => true };
/** Where somebody's windows lie, as the chain has it. */
export const runRecord = ({ bucket }: Actor): string => encodeCommitRecord({ namespace: 'local', name: bucket, commit: 'a'.repeat(40), hash: 'b'.repeat(44), competition: 'rw' });

/** How a miner departs from what is honest. */
export type Odd = {
  /** What it signs of its slice, for what it ought to. */
  readonly signs?: ((honest: SignedSlice) => SignedSlice | undefined) | undefined;
  readonly update?: Float32Array;
  readonly body?: Partial<WindowManifest>;
  /** Not there by the deadline. */
  readonly sealedMissing?: boolean;
  readonly file?: (honest: Uint8Array) => Uint8Array;
  readonly signer?: Actor;
};

/** One validator's machine, or one that only follows. */
function machinesOf({ store }: Shelf, street: Street, { engine, deployment }: { engine: Engine; deployment: Deployment }) {
  return (who: Actor) => {
    const people = async () => [participant(who, 'validator')];
    const steps = createClosingActivities({ chain: street.chain, store, deployment, participants: people, defaultHotkey: undefined });
    const models = createModelActivities({ chain: street.chain, store, deployment, participants: people, defaultHotkey: undefined });
    const wallet = createWalletActivities({ chain: street.chain, signer: who, blockMs: BLOCK_MS });
    const jobs = createJobs({ engine, store });

    const known = new Map<number, Before>();

    /** The model that a window begins from, by the log; asked for once. */
    async function before(window: number): Promise<Before> {
      const found = known.get(window) ?? (await follow(window));
      known.set(window, found);
      return found;
    }

    async function follow(window: number): Promise<Before> {
      const wanted = { index: window, deadline: Number.MAX_SAFE_INTEGER, privateBucket: who.privateBucket };
      const next = await models.nextModel({ window: wanted, without: [], anew: false, known: null });
      if (next.kind === 'there') return { window: window - 1, state: next.state, entry: next.entry };
      if (next.kind !== 'advance') throw new Error(`Expected the model of window ${window}, got ${next.kind}`);
      const state = (await jobs.advance(next.input, GO_ON))!;
      const entry = await models.keepModel({ window: wanted, begins: window, state, entry: next.input.steps.at(-1)?.entry ?? next.entry });
      return { window: window - 1, state, entry };
    }

    /** From the open seals on: what it finds itself. */
    async function find(closing: Closing, from: Before) {
      const verdicts = await steps.openUpdates({ closing, before: from });
      return { verdicts, closed: (await jobs.closeWindow(verdicts.input, GO_ON))! };
    }

    /** Writes the entry, changed as a leader may that is not honest. */
    async function lead(closing: Closing, from: Before, { found, turn, change = (entry) => entry }: { found: Awaited<ReturnType<typeof find>>; turn: Extract<Turn, { kind: 'lead' }>; change?: (entry: WindowEntry) => WindowEntry }): Promise<void> {
      const checkpoint = await steps.keepCheckpoint({ closing, before: from, turn });
      const entry = await steps.draftEntry({ closing, before: from, turn, verdicts: found.verdicts, closed: found.closed, checkpoint });
      await steps.publishEntry({ closing, text: await wallet.signWindowEntry(change(entry)) });
    }

    async function keep(closing: Closing, state: WindowState, entry: ObjectRef): Promise<void> {
      await models.keepModel({ window: closing, begins: closing.window + 1, state, entry });
    }

    return { who, steps, models, jobs, wallet, before, follow, find, lead, keep };
  };
}

/** Validators and miners of windows over a toy model, on a chain and a store of their own. */
export function townOf(shelf: Shelf, street: Street, { engine, competition }: { engine: Engine; competition: Competition }) {
  const { store } = shelf;
  const digest = competitionDigest(competition);
  const deployment = { ...shelf.deployment, competition, competitionDigest: digest };
  const { codec } = competition.delta!;
  const validatorOf = machinesOf(shelf, street, { engine, deployment });

  const at = async (block: number): Promise<void> => street.blocks(block - (await street.chain.head()).number);
  const firstOf = (window: number): number => window * WINDOW_BLOCKS;

  /** Hands in for a window; what it returns discloses it. */
  async function handIn(by: Actor, window: number, base: string, odd: Odd = {}): Promise<() => Promise<void>> {
    const update = odd.update ?? randomUpdate(`${by.name}/${window}`);
    const secret = new Uint8Array(SECRET_BYTES).map((_, i) => (i * 7 + window + by.name.length) % 256);
    const isSlice = codec.kind === 'slice';
    const content = isSlice ? new Uint8Array(0) : (odd.file ?? ((bytes) => bytes))(encodeUpdate(codec, update).file);
    const sealed = seal(content, secret, { hotkey: by.hotkey, competition: digest });
    const key = `updates/${sha256Hex(sealed)}.sealed`;
    if (!isSlice && !odd.sealedMissing) await store.putOnce(by.bucket, key, sealed);
    const body: WindowManifest = {
      version: 1,
      kind: 'window',
      run: 'test',
      competition: digest,
      hotkey: by.hotkey,
      base,
      window,
      files: isSlice ? [] : [{ name: UPDATE_FILE, ref: { bucket: by.bucket, key, sha256: sha256Hex(sealed), bytes: sealed.byteLength }, content: contentOf(content) }],
      ...(isSlice && { root: merkleRoot(update), count: update.length }),
      ...odd.body,
    };
    const bytes = signManifest({ ...body, hotkey: (odd.signer ?? by).hotkey }, odd.signer ?? by);
    await store.putOnce(by.bucket, windowKey('rw', window), bytes);
    const commit = manifestCommit(bytes);
    return async () => {
      if (codec.kind !== 'slice') return void (await store.putOnce(by.bucket, keyFileOf(commit), signKeyFile({ manifest: commit, secret }, by)));
      const slice = encodeSlice(update, { layout: TOY_LAYOUT, compression: codec.compression, ...(await sliceBlocksOf(street.chain, competition, window)) });
      const { sha256 } = await store.putOnce(by.bucket, sliceKey('rw', window), slice);
      const signed = (odd.signs ?? ((honest) => honest))({ manifest: commit, sha256 });
      if (signed) await store.putOnce(by.bucket, sliceFileOf(commit), signSliceFile(signed, by));
    };
  }

  /** A window from its beginning to its entry, closed by one of the validators, who are all there at its deadline. */
  async function play(window: number, { by, miners, among = [by] }: { readonly by: Validator; readonly miners: readonly Actor[]; readonly among?: readonly Validator[] }): Promise<WindowEntry> {
    const from = await by.before(window);
    const open = [];
    for (const miner of miners) open.push(await handIn(miner, window, from.state.digest));
    await at(firstOf(window) + 15);
    for (const one of among) await one.steps.receiveUpdates(await one.steps.resolveClosing({ window }));
    await at(firstOf(window) + 24);
    for (const disclose of open) await disclose();
    await at(firstOf(window) + 25);
    return await close(window, by);
  }

  /** From the open seals to the entry that counts, in whoever's turn. */
  async function close(window: number, by: Validator): Promise<WindowEntry> {
    const [closing, from] = [await by.steps.resolveClosing({ window }), await by.before(window)];
    const found = await by.find(closing, from);
    const turn = await by.steps.awaitTurn({ closing, before: from, mayLead: true, without: [] });
    if (turn.kind !== 'lead') throw new Error(`Expected the turn of ${by.who.name}, got ${turn.kind}`);
    await by.lead(closing, from, { found, turn });
    const after = await by.steps.awaitTurn({ closing, before: from, mayLead: true, without: [] });
    if (after.kind !== 'entry') throw new Error(`Expected an entry of ${by.who.name}, got ${after.kind}`);
    await by.keep(closing, found.closed.state, after.logged.ref);
    return after.logged.entry;
  }

  return { digest, deployment, at, firstOf, handIn, validatorOf, play, close, store };
}
export type Validator = ReturnType<ReturnType<typeof machinesOf>>;
export type Town = ReturnType<typeof townOf>;
