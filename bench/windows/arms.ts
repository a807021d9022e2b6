import type { Aggregation, Codec, Outer } from '../../genki/protocol/exchange.ts';
import { RUBY_WINDOWS } from '../../genki/protocol/ruby-windows.ts';

/** One way of running windows. */
export type Arm = {
  readonly name: string;
  /** Their own, a style each; or the pages that they are assigned. */
  readonly music: 'own' | 'pages';
  readonly codec: Codec;
  readonly outer: Outer;
  readonly rule: Aggregation['rule'];
  /** Clip and noise of the private mode. */
  readonly privacy?: { readonly clip: number; readonly noise: number };
  /** A sixth, who sends this instead of work. */
  readonly poisoner?: 'flip' | 'noise';
};

const delta = RUBY_WINDOWS.delta!;
const PLAIN: Outer = { learningRate: 1, momentum: 0, nesterov: false };

/** Everything as it is, added as it is. */
const UNCOMPRESSED = { music: 'own', codec: { kind: 'dense' }, outer: PLAIN, rule: { kind: 'mean' } } as const;

export const EXCHANGES: readonly Arm[] = [
  { name: 'uncompressed', ...UNCOMPRESSED },
  { name: 'top-k', ...UNCOMPRESSED, codec: delta.codec, outer: delta.outer },
  { name: 'slice', ...UNCOMPRESSED, codec: { kind: 'slice', compression: 100, feedback: 1 } },
  { name: 'uncompressed pages', ...UNCOMPRESSED, music: 'pages' },
  { name: 'top-k pages', ...UNCOMPRESSED, music: 'pages', codec: delta.codec, outer: delta.outer },
];

/** Norm that updates are clipped to: what they have without noise. */
const CLIP = 2;
export const PRIVATE: readonly Arm[] = [0.001, 0.01, 0.1, 1].map((noise) => ({ name: `noise ${noise}`, ...UNCOMPRESSED, privacy: { clip: CLIP, noise } }));

/** As the competition sends, by rule: the first with nobody's poison. */
const COMPRESSED = { music: 'pages', codec: delta.codec, outer: delta.outer } as const;
const RULES: readonly Aggregation['rule'][] = [{ kind: 'mean' }, delta.aggregation.rule, { kind: 'trimmed-mean', trim: 0.2 }];
export const POISONED: readonly Arm[] = [
  { name: 'mean, nobody', ...COMPRESSED, rule: { kind: 'mean' } },
  { name: `${delta.aggregation.rule.kind}, nobody`, ...COMPRESSED, rule: delta.aggregation.rule },
  ...(['flip', 'noise'] as const).flatMap((poisoner) => RULES.map((rule): Arm => ({ name: `${rule.kind}, ${poisoner}`, ...COMPRESSED, rule, poisoner }))),
];
