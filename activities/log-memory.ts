import { createHash } from 'node:crypto';
import type { Chain, Hotkey } from '../genki/chain/chain.ts';
import { verifySignature } from '../genki/chain/keys.ts';
import { BadSubmission } from '../genki/errors.ts';
import { manifestCommit, UPDATE_FILE, verifyManifest } from '../genki/protocol/manifest.ts';
import { MAX_SLICE_FILE_BYTES, openSliceFile } from '../genki/protocol/slices.ts';
import type { WindowEntry } from '../genki/protocol/window-log.ts';
import type { ObjectStore } from '../genki/store/object-store.ts';
import type { Deployment } from './deployment.ts';
import { settledEntry } from './taken-entries.ts';
import { lineOf, minersOf, type Line } from './window-line.ts';

const MOST_LINES = 128;
const MOST_PEERS = 4096;

/** What of the log a process has seen already, since who waits for an entry looks again and again. */
export class LogMemory {
  readonly #lines = new Map<number, Line>();
  readonly #signed = new Set<string>();
  readonly #settled = new Map<number, string>();

  /** As `lineOf`, which never changes once its blocks are final. */
  async lineOf(deps: { readonly chain: Chain; readonly deployment: Deployment }, window: number): Promise<Line> {
    const line = this.#lines.get(window) ?? (await lineOf(deps, window));
    if (this.#lines.size >= MOST_LINES) this.#lines.clear();
    this.#lines.set(window, line);
    return line;
  }

  /** As `settledEntry`, once there is one: nobody takes that back. */
  async settledIn(deps: { readonly store: ObjectStore; readonly deployment: Deployment }, line: Line, buckets: ReadonlyMap<Hotkey, string>): Promise<string | undefined> {
    const settled = this.#settled.get(line.window) ?? (await settledEntry(deps, line, buckets));
    if (this.#settled.size >= MOST_LINES) this.#settled.clear();
    if (settled !== undefined) this.#settled.set(line.window, settled);
    return settled;
  }

  /**
   * Holds an entry against what its peers signed: the window, the model that it began from, and the update; and against who was
   * registered when the window began.
   * @throws {BadSubmission} {ChecksumMismatch} {ObjectMissing} {TooLarge} the leader's fault
   * @throws {NewerSchema} {StoreUnavailable}
   */
  async checkPeers(deps: { readonly store: ObjectStore; readonly deployment: Deployment }, entry: WindowEntry, line: Line): Promise<void> {
    const registered = minersOf(line);
    for (const peer of entry.peers) {
      if (registered.get(peer.hotkey) !== peer.registeredAt) throw new BadSubmission(`Expected peers that were registered when window ${entry.window} began, got ${peer.hotkey} of block ${peer.registeredAt}`);
      const seen = createHash('sha256').update(JSON.stringify([entry.window, entry.before, peer])).digest('hex');
      if (this.#signed.has(seen)) continue;
      await checkPeer(deps, entry, peer);
      if (this.#signed.size >= MOST_PEERS) this.#signed.clear();
      this.#signed.add(seen);
    }
  }
}

async function checkPeer({ store, deployment }: { readonly store: ObjectStore; readonly deployment: Deployment }, { window, before }: WindowEntry, { hotkey, manifest, update, disclosure }: WindowEntry['peers'][number]): Promise<void> {
  const { competition: { limits }, competitionDigest: competition } = deployment;
  const bytes = await store.get(manifest, { maxBytes: limits.manifestBytes });
  const body = verifyManifest(bytes, { kind: 'window', hotkey, competition, base: before }, verifySignature);
  if (body.window !== window) throw new BadSubmission(`Expected a manifest of window ${window}, got one of ${body.window}`);
  const content = body.files.find(({ name }) => name === UPDATE_FILE)?.content;
  // before the window was over, or of a slice once it was
  if ((content === undefined) !== (disclosure !== null)) throw new BadSubmission(content ? `Expected the manifest of ${hotkey} to name its update, got a slice` : `Expected what ${hotkey} signed of its slice, got nothing`);
  const signed = disclosure ? openSliceFile(await store.get(disclosure, { maxBytes: MAX_SLICE_FILE_BYTES }), { hotkey, manifest: manifestCommit(bytes) }, verifySignature) : content?.sha256;
  if (signed !== update.sha256) throw new BadSubmission(`Expected the update ${signed} that ${hotkey} signed for, got ${update.sha256}`);
}
