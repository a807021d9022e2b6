import type { Ops } from '../../../engine/engine.ts';
import type { NanoConfig } from './config.ts';
import { names } from './weights.ts';

const EPSILON = 1e-5;

/** What the encoders are computed with: an engine's operations and, by name, the weights. */
export type Net<T> = { readonly ops: Ops<T>; weight(name: string): T };

/** Clips of one length, B of them of W windows. */
export type HeardSound<T> = {
  /** Normalised log-mel by patch: [B, W, P, frames · bands]. */
  readonly patches: T;
  /** 1 / W, W times over: [W, 1]. */
  readonly share: T;
  /** Rhythm and pitch profile: [B, summary]. */
  readonly summary: T;
};

/**
 * Patches of a window are embedded, mixed as in MLP-Mixer (Tolstikhin et al. 2021) and pooled into the window's
 * features; their mean and deviation over the clip make its embedding, together with its rhythm and pitch profile.
 * @returns `windows` [B, W, features] and `clips` [B, dimensions], of length 1
 */
export function encodeAudio<T>(net: Net<T>, { audio, window }: NanoConfig, { patches, share, summary }: HeardSound<T>): { windows: T; clips: T } {
  const { ops } = net;
  let x = ops.gelu(linear(net, names.patch, patches)); // [B, W, P, frames · bands] -> [B, W, P, C]
  for (let n = 0; n < audio.blocks; n++) x = mixed(net, names.block(n), x);
  const sounding = moments(ops, norm(net, names.norm, x), 1 / window.patches); // [B, W, P, C] -> [B, W, 2 C]
  const windows = linear(net, names.features, sounding); // [B, W, 2 C] -> [B, W, features]
  const overall = ops.gelu(linear(net, names.summary, summary)); // [B, summary] -> [B, features]
  const pooled = ops.concat([moments(ops, windows, share), overall], -1); // [B, 3 features]
  return { windows, clips: unit(ops, head(net, names.audioHead, pooled)) };
}

/**
 * A bag of words.
 * @param bags how much of a caption each row of the table is, adding up to 1: [B, words + 1]
 * @returns [B, dimensions], of length 1
 */
export function encodeText<T>(net: Net<T>, bags: T): T {
  return unit(net.ops, head(net, names.textHead, net.ops.matmul(bags, net.weight(`${names.words}.weight`))));
}

/** x + what its patches, then x + what its channels say to one another: [B, W, P, C]. */
function mixed<T>(net: Net<T>, block: string, x: T): T {
  const { ops } = net;
  const acrossTime = ops.transpose(norm(net, `${block}.time_norm`, x), [0, 1, 3, 2]); // [B, W, P, C] -> [B, W, C, P]
  const told = linear(net, `${block}.time_fc2`, ops.gelu(linear(net, `${block}.time_fc1`, acrossTime)));
  const y = ops.add(x, ops.transpose(told, [0, 1, 3, 2]));
  return ops.add(y, linear(net, `${block}.fc2`, ops.gelu(linear(net, `${block}.fc1`, norm(net, `${block}.norm`, y)))));
}

/** Mean and deviation over the last axis but one, side by side: [..., N, D] -> [..., 2 D]. */
function moments<T>(ops: Ops<T>, x: T, share: T | number): T {
  const mean = ops.sum(ops.mul(x, share), [-2], true);
  const apart = ops.sub(x, mean);
  const deviation = ops.sqrt(ops.add(ops.sum(ops.mul(ops.mul(apart, apart), share), [-2]), EPSILON));
  return ops.concat([ops.sum(mean, [-2]), deviation], -1);
}

const head = <T>(net: Net<T>, name: string, x: T): T => linear(net, `${name}.fc2`, net.ops.gelu(linear(net, `${name}.fc1`, x)));

const linear = <T>({ ops, weight }: Net<T>, name: string, x: T): T =>
  ops.add(ops.matmul(x, weight(`${name}.weight`), { transposeB: true }), weight(`${name}.bias`));

const norm = <T>({ ops, weight }: Net<T>, name: string, x: T): T => ops.layerNorm(x, weight(`${name}.weight`), weight(`${name}.bias`), EPSILON);

/** Each row divided by its length. */
const unit = <T>(ops: Ops<T>, x: T): T => ops.div(x, ops.sqrt(ops.add(ops.sum(ops.mul(x, x), [-1], true), 1e-12)));
