import type { Registry } from '@polkadot/types/types';
import { ChainUnavailable, ExtrinsicRefused } from '../../errors.ts';
import { NodeRefused } from './wire.ts';

/** How a node's pool answers, by the number of the error and, for what the runtime found invalid, by its words (sc-transaction-pool, sp-runtime). */
const BY_CODE = new Map([[1001, 'BadFormat'], [1014, 'TooLowPriority'], [1016, 'ImmediatelyDropped']]);
/** The pool has those bytes, or has had them: whether they land, blocks will tell. */
const SEEN_BEFORE = [1012, 1013];
/** The runtime could not even read the bytes, as when they were signed for an earlier one. */
const UNREADABLE = 1002;
const INVALID = [1010, UNREADABLE];
const BY_WORDS: readonly (readonly [RegExp, string])[] = [
  [/bad signature|BadProof/i, 'BadProof'],
  [/ancient birth block|AncientBirthBlock/i, 'AncientBirthBlock'],
  [/outdated|Stale/i, 'Stale'],
  [/valid in the future|Future/i, 'Future'],
  [/pay some fees|Payment/i, 'Payment'],
  [/exhaust|ExhaustsResources/i, 'ExhaustsResources'],
  [/signing address|BadSigner/i, 'BadSigner'],
  [/call is not expected/i, 'CallFiltered'],
];

/** What the runtime's own checks before the pool mean (`CustomTransactionError` of subtensor), by its number, with what to do. */
const CUSTOM: Readonly<Record<number, readonly [string, string]>> = {
  0: ['ColdkeyInSwap', 'the coldkey is being swapped: wait until that is over'],
  1: ['NotEnoughStakeToSetWeights', 'the hotkey needs more stake'],
  2: ['NotEnoughBalanceToStake', 'the coldkey needs a greater balance'],
  3: ['SubnetNotExists', 'the chain has no such subnet'],
  4: ['HotKeyAccountNotExists', 'the chain does not know the hotkey'],
  6: ['SettingWeightsTooFast', 'weights were set a short while ago: wait until the rate limit is over'],
  10: ['HotKeyNotRegisteredInNetwork', 'register the hotkey again'],
  11: ['InvalidIpAddress', 'the axon needs an address that others can reach'],
  12: ['ServingRateLimitExceeded', 'the axon was changed a short while ago: wait until the rate limit is over'],
  13: ['InvalidPort', 'the axon needs a port other than 0'],
  15: ['InvalidRevealRound', 'the round is over already: encrypt to a later one'],
  16: ['NoWeightsCommitFound', 'no such weights were committed, or they have been revealed already'],
  17: ['RevealTooEarly', 'the epoch of the reveal has not come yet, or is over'],
  18: ['InputLengthsUnequal', 'lists differ in length'],
  19: ['HotKeyNotRegisteredInSubNet', 'the chain knows no such uid'],
};

/** The refusal behind a pool's answer; undefined where it is none that is known. */
function poolRefusal({ code, message, data }: NodeRefused): ExtrinsicRefused | undefined {
  const words = data === '' ? message : data;
  const custom = /custom(?: error)?:? *\(?(\d+)/i.exec(words);
  if (custom) {
    const [name, advice] = CUSTOM[Number(custom[1])] ?? [`Custom${custom[1]}`, 'the chain does not say why'];
    return new ExtrinsicRefused(name, advice);
  }
  const known = BY_CODE.get(code) ?? (INVALID.includes(code) ? BY_WORDS.find(([pattern]) => pattern.test(words))?.[1] : undefined);
  if (known !== undefined) return new ExtrinsicRefused(known, words);
  return code === UNREADABLE || /decod|codec|invalid format/i.test(words) ? new ExtrinsicRefused('BadFormat', words) : undefined;
}

/** A dispatch error as it stands in a block's events, by the names of that block's metadata. */
export function dispatchFailure(registry: Registry, error: DispatchErrorLike): { readonly code: string; readonly message: string } {
  if (error.isModule) {
    const { name, section, docs } = registry.findMetaError(error.asModule as Parameters<Registry['findMetaError']>[0]);
    return { code: name, message: docs.join(' ').trim() || `${section} refused` };
  }
  const detail = error.isToken ? error.asToken : error.isArithmetic ? error.asArithmetic : undefined;
  return { code: detail ? `${error.type}.${detail.type}` : error.type, message: error.toString() };
}

/** A codec of the runtime's `DispatchError`. */
export type DispatchErrorLike = {
  readonly type: string;
  readonly isModule: boolean;
  readonly asModule: unknown;
  readonly isToken: boolean;
  readonly asToken: { readonly type: string };
  readonly isArithmetic: boolean;
  readonly asArithmetic: { readonly type: string };
  toString(): string;
};

/** @throws {ExtrinsicRefused} by the pool @throws {ChainUnavailable} when it does not say what is wrong */
export function throwRefused(error: unknown): void {
  if (!(error instanceof NodeRefused)) throw error;
  if (SEEN_BEFORE.includes(error.code)) return;
  throw poolRefusal(error) ?? new ChainUnavailable(`Expected the node to take the extrinsic: ${error.code}: ${error.message} ${error.data}`.trim(), { cause: error });
}
