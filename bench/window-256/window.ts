import { createHash } from 'node:crypto';
import { encodeAddress } from '@polkadot/util-crypto';
import type { Before, Closing } from '../../activities/closing.ts';
import { scheduleOf } from '../../activities/delta-competition.ts';
import type { DeltaWindow } from '../../activities/delta-window.ts';
import type { Opened } from '../../activities/disclosed.ts';
import type { Logged } from '../../activities/log-walk.ts';
import type { ClosedWindow } from '../../activities/model/close-window.ts';
import { statePrefix } from '../../activities/window-states.ts';
import type { WindowState } from '../../genki/federation/window-state.ts';
import { canonicalJson } from '../../genki/protocol/canonical-json.ts';
import { RUBY_WINDOWS } from '../../genki/protocol/ruby-windows.ts';
import { previousKey, windowKey, windowPrefix, type WindowEntry } from '../../genki/protocol/window-log.ts';
import type { ObjectRef } from '../../genki/store/object-store.ts';

const sha256 = (text: string): Buffer => createHash('sha256').update(text).digest();
export const hex = (text: string): string => sha256(text).toString('hex');
export const base64 = (text: string): string => sha256(text).toString('base64');
export const hotkeyOf = (name: string): string => encodeAddress(sha256(name), 42);
export const refOf = (bucket: string, key: string, bytes = 17_812): ObjectRef => ({ bucket, key, sha256: hex(key), bytes });
/** As long as a store takes it: nobody's names make more of a payload. */
export const bucketOf = (name: string): string => name.padEnd(63, '-0123456789');
/** A share with all its digits. */
export const share = (name: string): number => 0.1 + sha256(name).readUInt32BE() / 2 ** 33;

export const COMPETITION = { id: RUBY_WINDOWS.id, digest: base64('competition') } as const;
export const WINDOW = 123_456;
/** Closes the window; beside it another validator, who checks it. */
export const [LEADER, FOLLOWER] = [hotkeyOf('leader'), hotkeyOf('follower')];
/** Of all miners: one queue of a wallet does the work of one machine's. */
export const MINER = hotkeyOf('miner');
const LEADER_BUCKET = bucketOf('leader');

/** A model after a window, as it lies in somebody's bucket. */
export function stateAfter(window: number, bucket: string): WindowState {
  const digest = base64(`model ${window}`);
  const folder = `models/${COMPETITION.id}/${String(window).padStart(10, '0')}/${hex(digest).slice(0, 32)}`;
  return { digest, dama: { digest: base64(`dama ${window}`), weights: refOf(bucket, `${folder}/model.safetensors`, 4_489_216), config: refOf(bucket, `${folder}/config.json`, 1_234) }, momentum: refOf(bucket, `${folder}/momentum.safetensors`, 4_489_216) };
}

export function closingOf(hotkey: string): Closing {
  const validator = hotkey === LEADER ? 'leader' : 'follower';
  return { hotkey, validator, netuid: RUBY_WINDOWS.netuid, competition: COMPETITION.id, window: WINDOW, bucket: bucketOf(validator), privateBucket: bucketOf(`${validator}-private`), ...scheduleOf(RUBY_WINDOWS, WINDOW) };
}

export const beforeOf = ({ privateBucket }: Pick<Closing, 'privateBucket'>): Before => ({ window: WINDOW - 1, state: stateAfter(WINDOW - 1, privateBucket), entry: refOf(privateBucket, `${statePrefix({ bucket: privateBucket, competition: COMPETITION.id }, WINDOW)}/entry-${PREVIOUS.sha256}.json`) });

/** What so many peers disclosed of a window, as it lies in a validator's bucket. */
export function openedOf(peers: number, { window, bucket }: Pick<Closing, 'window' | 'bucket'>): Opened[] {
  const folder = windowPrefix(COMPETITION.id, window);
  return Array.from({ length: peers }, (_, i) => ({ hotkey: hotkeyOf(`miner ${i}`), registeredAt: 5_800_000 + i, manifest: refOf(bucket, `${folder}/${hex(`manifest ${window} ${i}`)}.json`), ref: refOf(bucket, `${folder}/${hex(`update ${window} ${i}`)}.safetensors`), disclosure: null }));
}

/** All of them count. */
export function closedOf(opened: readonly Opened[], { privateBucket }: Pick<Closing, 'privateBucket'>): ClosedWindow {
  return { accepted: opened.map(({ hotkey }) => ({ hotkey, norm: share(`norm ${hotkey}`), factor: share(`factor ${hotkey}`) })), refused: [], state: stateAfter(WINDOW, privateBucket) };
}

export const PREVIOUS: NonNullable<WindowEntry['previous']> = { window: WINDOW - 1, hotkey: FOLLOWER, sha256: hex('previous') };

export function entryOf(opened: readonly Opened[], closed: ClosedWindow): WindowEntry {
  return {
    version: 1,
    competition: COMPETITION.digest,
    hotkey: LEADER,
    rank: 0,
    window: WINDOW,
    previous: PREVIOUS,
    before: base64(`model ${WINDOW - 1}`),
    after: closed.state.digest,
    peers: opened.map(({ ref, ...peer }, i) => ({ ...peer, update: ref, norm: closed.accepted[i]!.norm, factor: closed.accepted[i]!.factor })),
    refused: [],
    checkpoint: refOf(LEADER_BUCKET, `checkpoints/${COMPETITION.id}/${hex('checkpoint').slice(0, 40)}.json`),
  };
}

export const signed = (body: unknown): string => canonicalJson({ body, signature: hex('signature').repeat(2) });

/** The leader's entry as everybody finds it. */
export function loggedOf(peers: number): Logged {
  const opened = openedOf(peers, { window: WINDOW, bucket: LEADER_BUCKET });
  return { ref: refOf(LEADER_BUCKET, windowKey(COMPETITION.id, WINDOW)), entry: entryOf(opened, closedOf(opened, closingOf(LEADER))) };
}

/** Of the window before, by which a miner comes to its model. */
export const previousEntry = (): ObjectRef => refOf(bucketOf('follower'), previousKey(COMPETITION.id, PREVIOUS));

/** A miner's window; each has a lease and a bucket of its own. */
export function deltaWindowOf(name: string): DeltaWindow {
  const { last, deadline } = scheduleOf(RUBY_WINDOWS, WINDOW);
  return { hotkey: MINER, netuid: RUBY_WINDOWS.netuid, miner: name, competition: COMPETITION.id, index: WINDOW, lastBlock: last, deadline, adapterId: `${COMPETITION.id}/${hotkeyOf(name)}`, bucket: bucketOf(name), privateBucket: bucketOf(`${name}-private`), steps: RUBY_WINDOWS.training.hyper.steps };
}
