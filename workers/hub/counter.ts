import { ApplicationFailure } from '@temporalio/common';
import type { Hotkey, Signer } from '../../genki/chain/chain.ts';
import { type HubAction, type HubAnswer, type HubDesk, type HubRefusalName, type HubRequest } from '../../genki/protocol/hub.ts';
import { signHubAnswer } from '../../genki/protocol/hub-answer.ts';
import { NONCE_KEPT_MS, openHubRequest, type HubRefusal, type OpenedRequest } from '../../genki/protocol/hub-request.ts';
import { SeenNonces } from '../../genki/protocol/seen-nonces.ts';
import type { VerifySignature } from '../../genki/protocol/signed-json.ts';
import type { Registry } from './registry.ts';
import { answered, plainly, refused, refusedUntil, type Reply } from './reply.ts';
import { TokenBuckets, type Rate } from './token-buckets.ts';

export type CounterDeps = {
  readonly desk: HubDesk;
  /** The hub's. */
  readonly signer: Signer;
  readonly verify: VerifySignature;
  readonly registry: Registry;
  readonly blockMs: number;
  /** Those that may be asked for; any other name would make a lease that nobody needs. */
  readonly adapters: ReadonlySet<string>;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Milliseconds of a clock that nobody sets, for all that has a length; default: `now`. */
  readonly elapsed?: () => number;
  readonly say: (line: string) => void;
};

export type CounterLimits = {
  /** Of one hotkey; what others ask in its name is not counted. */
  readonly hotkey: Rate;
  readonly nonces: { readonly perOwner: number; readonly inAll: number };
  /** For the desk to answer. */
  readonly deskMs: number;
  /** Questions that the desk has not answered yet. */
  readonly atOnce: number;
};

/** Hotkeys that are remembered: a subnet has 256. */
const MAX_HOTKEYS = 4096;
/** Blocks for which a list of the registered is good, unless somebody is missing from it. */
const REGISTRY_BLOCKS = 3;
/** For whoever has no need of a signed answer, the last one is good enough for so long. */
const CURRENT_MS = 1000;
const COME_AGAIN_MS = 2000;

/** Takes signed questions, lets the desk answer them, and signs what it says. */
export class Counter {
  readonly #deps: CounterDeps;
  readonly #limits: CounterLimits;
  readonly #elapsed: () => number;
  readonly #opened: number;
  readonly #seen: SeenNonces;
  readonly #hotkeys: TokenBuckets;
  readonly #current = new Map<string, { readonly at: number; readonly reply: Promise<Reply> }>();
  #atDesk = 0;
  #isSilent = false;

  /** Open from now on: what was asked before is refused. */
  constructor(deps: CounterDeps, limits: CounterLimits) {
    this.#deps = deps;
    this.#limits = limits;
    this.#elapsed = deps.elapsed ?? deps.now;
    this.#opened = this.#elapsed();
    this.#seen = new SeenNonces({ keepMs: NONCE_KEPT_MS, ...limits.nonces });
    this.#hotkeys = new TokenBuckets(limits.hotkey, MAX_HOTKEYS);
  }

  /** What to reply to the body of a signed request. */
  async answer(action: HubAction, bytes: Uint8Array): Promise<Reply> {
    return await this.#orRefusal(async () => {
      const { adapters, registry, blockMs, signer } = this.#deps;
      let coldkeys = await this.#inTime(() => registry.read(REGISTRY_BLOCKS * blockMs));
      let opened = this.#open(bytes, coldkeys);
      // it may have registered since
      if (opened.kind === 'refused' && opened.refusal === 'unregistered') {
        coldkeys = await this.#inTime(() => registry.read(blockMs));
        opened = this.#open(bytes, coldkeys);
      }
      if (opened.kind === 'refused') return refusalOf(opened);
      const { request } = opened;
      if (request.action !== action) return refused('InvalidInput', `Expected the action ${action}, got ${request.action}`);
      if (!adapters.has(request.adapterId)) return unknownAdapter(adapters);
      const waitMs = this.#hotkeys.take(request.hotkey, this.#elapsed());
      if (waitMs > 0) return refusedUntil('TooManyRequests', `Expected fewer requests of ${request.hotkey}, got too many`, waitMs);
      return answered(signHubAnswer(request, await this.#ask(request, coldkeys), signer));
    });
  }

  /** The current version for anybody, unsigned. */
  async current(adapterId: string): Promise<Reply> {
    const { adapters, desk } = this.#deps;
    if (!adapters.has(adapterId)) return unknownAdapter(adapters);
    const known = this.#current.get(adapterId);
    if (known && this.#elapsed() - known.at < CURRENT_MS) return await known.reply;
    const reply = this.#orRefusal(async () => plainly(await this.#inTime(() => desk.current({ adapterId }))));
    this.#current.set(adapterId, { at: this.#elapsed(), reply });
    return await reply;
  }

  #open(bytes: Uint8Array, coldkeys: ReadonlyMap<Hotkey, string>): OpenedRequest {
    const { signer, verify, now } = this.#deps;
    const time = now();
    // by how long it has been open: a clock that was put back meanwhile would keep everybody waiting for as long
    const openedAt = time - (this.#elapsed() - this.#opened);
    return openHubRequest(bytes, { audience: signer.hotkey, now: time, openedAt, isRegistered: (hotkey) => coldkeys.has(hotkey), verify }, this.#seen);
  }

  async #ask(request: HubRequest, coldkeys: ReadonlyMap<Hotkey, string>): Promise<HubAnswer<HubAction>> {
    const { desk } = this.#deps;
    const { adapterId, hotkey } = request;
    return await this.#inTime(async () => {
      switch (request.action) {
        case 'request': return await desk.request({ adapterId, hotkey, coldkey: coldkeys.get(hotkey)! });
        case 'renew': return await desk.renew({ adapterId, hotkey, fence: request.fence });
        case 'release': return await desk.release({ adapterId, hotkey, fence: request.fence }).then(() => ({}));
        case 'push': return await desk.push({ adapterId, hotkey, fence: request.fence, parent: request.parent, adapter: request.adapter });
        case 'status': return await desk.status({ adapterId, hotkey });
        case 'current': return await desk.current({ adapterId });
      }
    });
  }

  /** @throws {NotInTime} */
  async #inTime<T>(question: () => Promise<T>): Promise<T> {
    const { deskMs, atOnce } = this.#limits;
    if (this.#atDesk >= atOnce) throw new NotInTime(`Expected at most ${atOnce} questions at once, got more`);
    this.#atDesk++;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => { timer = setTimeout(() => reject(new NotInTime(`Expected an answer within ${deskMs} ms, got none`)), deskMs); });
    const asked = question().finally(() => { this.#atDesk--; });
    try {
      return await Promise.race([asked, late]);
    } finally {
      clearTimeout(timer);
    }
  }

  async #orRefusal(reply: () => Promise<Reply>): Promise<Reply> {
    try {
      const given = await reply();
      if (given.status === 200) this.#heard();
      return given;
    } catch (error) {
      const known = knownIn(error);
      if (known) return refused(known.name, known.message);
      this.#unheard(error);
      return refusedUntil('HubUnavailable', 'Expected the hub to know, it does not just now', COME_AGAIN_MS);
    }
  }

  /** Once for each time of trouble: there may be many who ask. */
  #unheard(error: unknown): void {
    if (!this.#isSilent) this.#deps.say(`cannot answer: ${error instanceof Error ? `${error.name}: ${error.message}` : String(error)}`);
    this.#isSilent = true;
  }

  #heard(): void {
    if (this.#isSilent) this.#deps.say('answers again');
    this.#isSilent = false;
  }
}

class NotInTime extends Error {
  override readonly name = 'NotInTime';
}

const unknownAdapter = (adapters: ReadonlySet<string>): Reply => refused('NotFound', `Expected an adapter of ${[...adapters].join(', ')}, got another`);

/** What the desk says of the question itself. */
const FAULTS = ['InvalidInput', 'BadSubmission', 'NewerSchema', 'LeaseLost'] as const satisfies readonly HubRefusalName[];

function knownIn(error: unknown): { readonly name: HubRefusalName; readonly message: string } | undefined {
  for (let at: unknown = error; at instanceof Error; at = at.cause) {
    const said = at instanceof ApplicationFailure ? at.type : at.name;
    const name = FAULTS.find((fault) => fault === said);
    if (name) return { name, message: at.message };
  }
  return undefined;
}

const NAMES: Record<Exclude<HubRefusal, 'before opening' | 'too many'>, HubRefusalName> = {
  oversized: 'TooLarge',
  malformed: 'InvalidInput',
  'newer version': 'NewerSchema',
  'wrong audience': 'WrongAudience',
  expired: 'Expired',
  'from the future': 'FromTheFuture',
  unregistered: 'NotRegistered',
  'bad signature': 'BadSignature',
  replayed: 'Replayed',
};

function refusalOf({ refusal, message }: Extract<OpenedRequest, { kind: 'refused' }>): Reply {
  if (refusal === 'before opening') return refusedUntil('HubUnavailable', message, COME_AGAIN_MS);
  if (refusal === 'too many') return refusedUntil('TooManyRequests', message, COME_AGAIN_MS);
  return refused(NAMES[refusal], message);
}
