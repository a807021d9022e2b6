import type { Ops } from '../../engine/engine.ts';
import type { EncodecConfig } from './config.ts';
import type { Conv, ConvTranspose, Layer, Lstm, Residual } from './layers.ts';
import { convPadding, type Ends, transposeTrim } from './padding.ts';

/** Values [B, channels, length]. The length is a number: it decides how much is padded. */
export type Signal<T> = { readonly x: T; readonly length: number };

export type EncodecNet<T> = { readonly ops: Ops<T>; readonly config: EncodecConfig; weight(name: string): T };

const GROUP_NORM_EPSILON = 1e-5;
/** Modes of padding by Hugging Face's name. */
const PAD_MODE = { constant: 'zero', reflect: 'reflect', replicate: 'replicate' } as const;

/** What each layer gives, the one after the other. */
export function runLayers<T>(net: EncodecNet<T>, layers: readonly Layer[], signal: Signal<T>): Signal<T>[] {
  const outputs: Signal<T>[] = [];
  for (const layer of layers) outputs.push(runLayer(net, layer, outputs.at(-1) ?? signal));
  return outputs;
}

function runLayer<T>(net: EncodecNet<T>, layer: Layer, signal: Signal<T>): Signal<T> {
  switch (layer.kind) {
    case 'elu':
      return { ...signal, x: net.ops.elu(signal.x) };
    case 'conv':
      return conv(net, layer, signal);
    case 'convTranspose':
      return convTranspose(net, layer, signal);
    case 'lstm':
      return lstm(net, layer, signal);
    case 'residual':
      return residual(net, layer, signal);
  }
}

function conv<T>(net: EncodecNet<T>, layer: Conv, { x, length }: Signal<T>): Signal<T> {
  const { ops, config, weight } = net;
  const { name, stride, dilation } = layer;
  const padded = pad(net, x, { length, ...convPadding(config, layer, length) });
  const y = ops.conv1d(padded, weight(`${name}.conv.weight`), weight(`${name}.conv.bias`), { stride, dilation }); // [B, in, length] -> [B, out, ⌈length / stride⌉]
  const signal = { x: y, length: Math.ceil(length / stride) };
  return groupNorm(net, layer, signal);
}

function convTranspose<T>(net: EncodecNet<T>, layer: ConvTranspose, { x, length }: Signal<T>): Signal<T> {
  const { ops, config, weight } = net;
  const { name, stride, kernel } = layer;
  const y = ops.convTranspose1d(x, weight(`${name}.conv.weight`), weight(`${name}.conv.bias`), { stride });
  const full = (length - 1) * stride + kernel;
  const normed = groupNorm(net, layer, { x: y, length: full });
  const { left, right } = transposeTrim(config, layer);
  return { x: cut(ops, normed.x, { left, right, length: full }), length: full - left - right };
}

function lstm<T>({ ops, weight }: EncodecNet<T>, { name, depth }: Lstm, { x, length }: Signal<T>): Signal<T> {
  const steps = ops.transpose(x, [2, 0, 1]); // [B, C, L] -> [L, B, C]
  let y = steps;
  for (let l = 0; l < depth; l++) y = ops.lstm(y, { input: weight(`${name}.${l}.input`), hidden: weight(`${name}.${l}.hidden`), bias: weight(`${name}.${l}.bias`) });
  return { x: ops.transpose(ops.add(y, steps), [1, 2, 0]), length };
}

function residual<T>(net: EncodecNet<T>, { block, shortcut }: Residual, signal: Signal<T>): Signal<T> {
  const kept = shortcut === undefined ? signal : conv(net, shortcut, signal);
  const made = runLayers(net, block, signal).at(-1)!;
  return { x: net.ops.add(kept.x, made.x), length: made.length };
}

/** A reflection needs more samples than it adds: a shorter signal is first lengthened by zeros, of which what is left over is cut off again. */
function pad<T>({ ops, config }: EncodecNet<T>, x: T, { length, left, right }: Ends & { readonly length: number }): T {
  if (left === 0 && right === 0) return x;
  const mode = PAD_MODE[config.padMode];
  const missing = mode === 'reflect' ? Math.max(0, Math.max(left, right) + 1 - length) : 0;
  if (missing === 0) return ops.pad(x, { left, right, mode });
  const padded = ops.pad(ops.pad(x, { left: 0, right: missing, mode: 'zero' }), { left, right, mode });
  return cut(ops, padded, { left: 0, right: missing, length: left + length + missing + right });
}

/** Takes so much off the ends. */
const cut = <T>(ops: Ops<T>, x: T, { left, right, length }: Ends & { readonly length: number }): T => (left === 0 && right === 0 ? x : ops.slice(x, 2, { from: left, to: length - right }));

/** All channels and samples of a row as one group (Wu and He 2018), where the codec has such norms. */
function groupNorm<T>({ ops, config, weight }: EncodecNet<T>, { name, out }: { readonly name: string; readonly out: number }, { x, length }: Signal<T>): Signal<T> {
  if (config.normType !== 'time_group_norm') return { x, length };
  const mean = (a: T): T => ops.div(ops.sum(ops.div(ops.sum(a, [2], true), length), [1], true), out); // [B, C, L] -> [B, 1, 1]
  const channels = (of: string): T => ops.reshape(weight(`${name}.norm.${of}`), [1, out, 1]);
  const centered = ops.sub(x, mean(x));
  const deviation = ops.sqrt(ops.add(mean(ops.mul(centered, centered)), GROUP_NORM_EPSILON));
  return { x: ops.add(ops.mul(ops.div(centered, deviation), channels('weight')), channels('bias')), length };
}
