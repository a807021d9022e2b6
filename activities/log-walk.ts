import type { BlockRef, Chain, Hotkey } from '../genki/chain/chain.ts';
import { verifySignature } from '../genki/chain/keys.ts';
import { faultOf, NewerSchema } from '../genki/errors.ts';
import { readCheckpoint, type Checkpoint } from '../genki/federation/window-state.ts';
import { sha256Hex } from '../genki/protocol/digests.ts';
import { turnOf } from '../genki/protocol/window.ts';
import { MAX_CHECKPOINT_BYTES, MAX_ENTRY_BYTES, openWindowEntry, previousKey, windowKey, type ExpectedEntry, type WindowEntry } from '../genki/protocol/window-log.ts';
import type { ObjectRef, ObjectStore } from '../genki/store/object-store.ts';
import { firstWindow, windowTimingOf } from './delta-competition.ts';
import type { Deployment } from './deployment.ts';
import { fromStranger } from './from-stranger.ts';
import type { LogMemory } from './log-memory.ts';
import { parseJson } from './parse-json.ts';
import { publishersAt } from './publishers.ts';
import type { Line } from './window-line.ts';

/** An entry as it lies in its leader's bucket. */
export type Logged = { readonly ref: ObjectRef; readonly entry: WindowEntry };

/** Whose entry of which window, whatever it says: a leader that was wrong once may write another one again and again. */
export const placeOf = ({ bucket, key }: Pick<ObjectRef, 'bucket' | 'key'>): string => `${bucket}/${key}`;

type Deps = { readonly chain: Chain; readonly store: ObjectStore; readonly deployment: Deployment; readonly memory: LogMemory };

/** The window log as it lies in the validators' buckets at a head. */
export class LogWalk {
  readonly head: BlockRef;
  readonly #deps: Deps;
  readonly #buckets: ReadonlyMap<Hotkey, string>;
  readonly #begin: number;

  private constructor(deps: Deps, head: BlockRef, buckets: ReadonlyMap<Hotkey, string>) {
    this.#deps = deps;
    this.head = head;
    this.#buckets = buckets;
    this.#begin = firstWindow(deps.deployment.competition) - 1;
  }

  static async open(deps: Deps): Promise<LogWalk> {
    const { chain, deployment } = deps;
    const head = await chain.head();
    const { neurons } = await chain.metagraph(deployment.competition.netuid, head.hash);
    const validators = new Set(neurons.flatMap(({ hotkey, validatorPermit }) => (validatorPermit ? [hotkey] : [])));
    const publishers = (await publishersAt(chain, deployment, head)).filter(({ hotkey }) => validators.has(hotkey));
    return new LogWalk(deps, head, new Map(publishers.map(({ hotkey, bucket }) => [hotkey, bucket])));
  }

  line(window: number): Promise<Line> {
    return this.#deps.memory.lineOf(this.#deps, window);
  }

  /** The entries of a window whose leaders' turns have come, which go on from one that is there, and whose peers signed for them; the first in line first. */
  async entriesOf(line: Line, without: readonly string[]): Promise<Logged[]> {
    const timing = windowTimingOf(this.#deps.deployment.competition);
    const inTurn = line.leaders.filter((_, rank) => turnOf(line.schedule, rank, timing) <= this.head.number);
    const found = await Promise.all(inTurn.map(async (hotkey, rank) => {
      const logged = await this.#entryIn(hotkey, line.window);
      if (logged?.entry.rank !== rank || [logged.ref.sha256, placeOf(logged.ref)].some((one) => without.includes(one))) return undefined;
      if (!(await this.isLinked(logged.entry))) return undefined;
      return await this.#unlessWrong(async () => { await this.#deps.memory.checkPeers(this.#deps, logged.entry, line); return logged; });
    }));
    return found.filter((one) => one !== undefined);
  }

  /** What an entry names as the one before it, where its leader has it or as the entry's own keeps it; undefined where it is neither, or of another model. */
  async previousOf({ previous, before, hotkey }: WindowEntry): Promise<Logged | undefined> {
    if (previous === null || previous.window <= this.#begin) return undefined;
    const { sha256, window } = previous;
    const isIt = (logged: Logged | undefined): logged is Logged => logged?.ref.sha256 === sha256 && logged.entry.after === before;
    const original = await this.#entryIn(previous.hotkey, window);
    if (isIt(original)) return original;
    const kept = await this.#read({ bucket: this.#buckets.get(hotkey), key: previousKey(this.#deps.deployment.competition.id, previous) }, { hotkey: previous.hotkey, window });
    return isIt(kept) ? kept : undefined;
  }

  /** Whether an entry goes on from one that is there, or begins the log. */
  async isLinked(entry: WindowEntry): Promise<boolean> {
    return entry.previous === null || (await this.previousOf(entry)) !== undefined;
  }

  /** The newest entry of these windows, both included, that leaves the model with this digest. */
  async entryWith(digest: string, { from, downTo }: { readonly from: number; readonly downTo: number }): Promise<Logged | undefined> {
    for (let window = from; window >= Math.max(downTo, this.#begin + 1); window--) {
      for (const logged of await this.entriesOf(await this.line(window), [])) {
        if (logged.entry.after === digest) return logged;
      }
    }
    return undefined;
  }

  /** An entry and those before it, newest first, back to a window; as far as their leaders stood where they say. */
  async trailOf(tip: Logged, downTo: number): Promise<Logged[]> {
    const trail: Logged[] = [];
    for (let at: Logged | undefined = tip; at && at.entry.window > downTo; at = await this.previousOf(at.entry)) {
      const { leaders } = await this.line(at.entry.window);
      if (leaders[at.entry.rank] !== at.entry.hotkey) break;
      trail.push(at);
    }
    return trail;
  }

  /** Those of a window's entries that go on from, or are, the newest entry of the windows compared that most of the stake has taken. */
  async unlessSettled(tips: readonly Logged[], { window, downTo }: { readonly window: number; readonly downTo: number }): Promise<readonly Logged[]> {
    for (let at = window; tips.length > 0 && at > downTo; at--) {
      const settled = await this.#deps.memory.settledIn(this.#deps, await this.line(at), this.#buckets);
      if (settled === undefined) continue;
      const trails = await Promise.all(tips.map((tip) => this.trailOf(tip, at - 1)));
      return tips.filter((_, i) => trails[i]!.some(({ ref }) => ref.sha256 === settled));
    }
    return tips;
  }

  /** The checkpoint that an entry names, if it is of the model that the entry begins from. */
  async checkpointOf({ checkpoint, before, previous }: WindowEntry): Promise<Checkpoint | undefined> {
    if (!checkpoint) return undefined;
    const read = await this.#unlessWrong(async () => readCheckpoint(parseJson(await this.#deps.store.get(checkpoint, { maxBytes: MAX_CHECKPOINT_BYTES }))));
    return read?.state.digest === before && read.entry === previous?.sha256 && read.window === previous.window ? read : undefined;
  }

  async #entryIn(hotkey: Hotkey, window: number): Promise<Logged | undefined> {
    const bucket = this.#buckets.get(hotkey);
    return await this.#read({ bucket, key: windowKey(this.#deps.deployment.competition.id, window) }, { hotkey, window, ...(bucket !== undefined && { bucket }) });
  }

  /** undefined where there is none that keeps the contract */
  async #read({ bucket, key }: { readonly bucket: string | undefined; readonly key: string }, expected: Omit<ExpectedEntry, 'competition'>): Promise<Logged | undefined> {
    if (bucket === undefined) return undefined;
    const { store, deployment: { competitionDigest: competition } } = this.#deps;
    return await this.#unlessWrong(async () => {
      const bytes = await store.getByKey(bucket, key, { maxBytes: MAX_ENTRY_BYTES });
      return { ref: { bucket, key, sha256: sha256Hex(bytes), bytes: bytes.byteLength }, entry: openWindowEntry(bytes, { ...expected, competition }, verifySignature) };
    });
  }

  async #unlessWrong<T>(look: () => Promise<T>): Promise<T | undefined> {
    const { store, deployment: { genesisDama } } = this.#deps;
    try {
      return await fromStranger(store, genesisDama.config, look);
    } catch (error) {
      if (!faultOf(error) && !(error instanceof NewerSchema)) throw error;
      return undefined;
    }
  }
}
