import { createHmac } from 'node:crypto';
import type { Signer } from '../../../genki/chain/chain.ts';
import { ApplicationFailure } from '@temporalio/common';
import type { HubDesk, LeaseStatus, PushAnswer } from '../../../genki/protocol/hub.ts';
import { acquire, emptyLeaseState, holds, release, renew, type LeaseState } from '../../../genki/protocol/lease.ts';
import type { VerifySignature } from '../../../genki/protocol/signed-json.ts';

const ref = (key: string) => ({ bucket: 'hub', key, sha256: 'cd'.repeat(32), bytes: 7 });
export const CURRENT = { dama: { digest: Buffer.alloc(32, 7).toString('base64'), weights: ref('rr/model.safetensors'), config: ref('rr/config.json') }, version: { sequence: 4, adapter: ref('adapters/rr/4/a'), record: ref('adapters/rr/versions/0000000004.json') }, again: null };

/** What stands behind the door in its tests: one adapter, in memory, whose pushes are never judged. */
export class SmallDesk implements HubDesk {
  #state: LeaseState = emptyLeaseState;
  readonly #now: () => number;
  readonly coldkeys = new Map<string, string>();
  readonly pushes: unknown[] = [];
  asked = 0;
  /** What happens to a question before it is answered. */
  before: () => Promise<void> = async () => undefined;

  constructor(now: () => number) {
    this.#now = now;
  }

  async request({ hotkey, coldkey }: { hotkey: string; coldkey: string }) {
    await this.#arrive();
    this.coldkeys.set(hotkey, coldkey);
    const { state, answer } = acquire(this.#state, { holder: hotkey, coldkey, now: this.#now() });
    this.#state = state;
    return answer;
  }

  async renew({ hotkey, fence }: { hotkey: string; fence: number }) {
    await this.#arrive();
    const { state, renewed } = renew(this.#state, { holder: hotkey, fence, now: this.#now() });
    this.#state = state;
    return { renewed };
  }

  async release({ hotkey, fence }: { hotkey: string; fence: number }) {
    await this.#arrive();
    this.#state = release(this.#state, { holder: hotkey, fence, now: this.#now() });
  }

  async push({ hotkey, ...pushed }: Parameters<HubDesk['push']>[0]): Promise<PushAnswer> {
    await this.#arrive();
    if (!holds(this.#state, { holder: hotkey, fence: pushed.fence })) throw ApplicationFailure.nonRetryable(`Expected the fence ${this.#state.fence}, got ${pushed.fence}`, 'LeaseLost');
    this.pushes.push(pushed);
    return { kind: 'evaluating' };
  }

  async status({ hotkey }: { hotkey: string }): Promise<LeaseStatus> {
    await this.#arrive();
    const { current, fence, waiting } = this.#state;
    const held = current.kind === 'held' && current.holder === hotkey;
    return { state: held ? { kind: 'granted', fence, expiresAt: current.expiresAt } : { kind: 'none' }, fence, waiting: waiting.length, version: 4 };
  }

  async current() {
    await this.#arrive();
    return CURRENT;
  }

  async #arrive(): Promise<void> {
    this.asked++;
    await this.before();
  }
}

const mac = (message: Uint8Array, hotkey: string): Uint8Array => createHmac('sha512', hotkey).update(message).digest();
/** Signatures a thousand times as fast as the real ones, by whoever knows the name. */
export const quickly = (hotkey: string): Signer => ({ hotkey, sign: (message) => mac(message, hotkey) });
export const verifyQuickly: VerifySignature = (message, signature, hotkey) => Buffer.compare(mac(message, hotkey), signature) === 0;
