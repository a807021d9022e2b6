import type { Dim, Ops, Program } from '../engine/engine.ts';
import { adaptedNet, adapterSpecs, plainNet } from './adapted-net.ts';
import type { LanguageConfig } from './config.ts';
import { Decoder } from './decoder.ts';
import type { LoraConfig } from './lora.ts';
import { byName, float, floats, idInputs, idsOf, type Inputs, layerLength, lossInputs, type Size, sizes, type Specs } from './program-inputs.ts';
import { textInputs, textStates } from './text.ts';
import { names, weightSpecs } from './weights.ts';

/**
 * The model in parts, each a program forth and one back, for whoever wants no more of it in memory than one part at a time:
 *
 *     x₀, text = embed(ids, words);  xₗ₊₁ = layer l (xₗ, text);  loss = head(x_L, labels)
 *
 * Of a model that is told by a prefix, text is that prefix: x begins with it, the layers take x alone, and the head leaves it off.
 * The way back through a part takes what went in and d loss / d what came out, and computes the rest of it anew: it is the
 * gradient of Σ out ∘ d loss / d out.
 */
export type Part = 'embed' | 'head' | number;

/** What is trained, and in what model. */
export type Adapted = { readonly config: LanguageConfig; readonly lora: LoraConfig };

const LAYER = /^decoder\.model\.decoder\.layers\.(\d+)\./;

/** Where a weight or a tensor of an adapter belongs. */
export function partOf(name: string): Part {
  const layer = LAYER.exec(name)?.[1];
  if (layer !== undefined) return Number(layer);
  return name.startsWith(`${names.finalNorm}.`) || name.startsWith('decoder.lm_heads.') ? 'head' : 'embed';
}

/** The weights of a part. */
export const frozenOf = ({ config }: Adapted, part: Part): string[] => weightSpecs(config).map(({ name }) => name).filter((name) => partOf(name) === part);

/** The adapter's tensors in a part. */
export const trainedOf = ({ config, lora }: Adapted, part: Part): string[] => adapterSpecs(config, lora).map(({ name }) => name).filter((name) => partOf(name) === part);

/** `x` [B, L, D] and the projected `text` [B, S, D], or the prefix [B, Q, D]. */
export const embedProgram = (of: Adapted): Program => ({
  name: 'embed',
  inputs: { ...ownInputs(of, 'embed'), ...embedInputs(of) },
  build: (ops, inputs, size) => embedded(of, ops, inputs, size),
});

/** From `d.x` and `d.text` to the gradients of what the adapter has before the layers. */
export const embedBackProgram = (of: Adapted): Program => ({
  name: 'embed-back',
  inputs: { ...ownInputs(of, 'embed'), ...embedInputs(of), 'd.x': stateInputs(of)['x']!, ...(!isPrefixed(of) && { 'd.text': stateInputs(of)['text']! }) },
  build: (ops, inputs, size) => {
    const { x, text } = embedded(of, ops, inputs, size);
    const ofX = product(ops, x, inputs['d.x']!);
    return { product: isPrefixed(of) ? ofX : ops.add(ofX, product(ops, text, inputs['d.text']!)) };
  },
  gradients: { of: 'product', wrt: trainedOf(of, 'embed'), alone: true },
});

/** From `x` to the layer's `x`. */
export const layerProgram = (of: Adapted, l: number): Program => ({
  name: 'layer',
  inputs: { ...ownInputs(of, l), ...layerInputs(of) },
  build: (ops, inputs, size) => ({ x: layered(of, l, ops, { inputs, size }) }),
});

/** From the layer's `x` and `d.x`, of what it gave, to the gradients of `x` and of the layer's adapter, and maybe of `text`. */
export const layerBackProgram = (of: Adapted, l: number, { withText }: { withText: boolean }): Program => ({
  name: 'layer-back',
  inputs: { ...ownInputs(of, l), ...layerInputs(of), 'd.x': stateInputs(of)['x']! },
  build: (ops, inputs, size) => ({ product: product(ops, layered(of, l, ops, { inputs, size }), inputs['d.x']!) }),
  gradients: { of: 'product', wrt: ['x', ...(withText && !isPrefixed(of) ? ['text'] : []), ...trainedOf(of, l)], alone: true },
});

/** From the last `x` to the `loss` and the gradients of `x` and of the heads' adapter. */
export const headProgram = (of: Adapted): Program => ({
  name: 'head',
  inputs: { ...ownInputs(of, 'head'), ...(isPrefixed(of) ? stateInputs(of) : { x: stateInputs(of)['x']! }), ...lossInputs(of.config) },
  build: (ops, inputs, size) => {
    const input = byName(inputs);
    const decoder = decoderOf(of, ops, { inputs, size });
    const logits = decoder.logits(isPrefixed(of) ? decoder.music(input('x'), input('text'), input('labels')) : input('x'));
    return { loss: product(ops, ops.negativeLogLikelihood(logits, input('labels')), input('weights')) };
  },
  gradients: { of: 'loss', wrt: ['x', ...trainedOf(of, 'head')] },
});

function ownInputs(of: Adapted, part: Part): Specs {
  const tensors = [...weightSpecs(of.config), ...adapterSpecs(of.config, of.lora)];
  return floats(tensors.filter(({ name }) => partOf(name) === part));
}

const isPrefixed = ({ config }: Adapted): boolean => config.decoder.told?.by === 'prefix';
const lengthIn = ({ config }: Adapted): Dim => layerLength(config.decoder);

const stateInputs = (of: Adapted): Specs => {
  const { hiddenSize } = of.config.decoder;
  return { x: float('B', lengthIn(of), hiddenSize), text: float('B', isPrefixed(of) ? 'Q' : 'S', hiddenSize) };
};
const embedInputs = (of: Adapted): Specs => ({ ...idInputs(of.config.decoder), positions: float(lengthIn(of), of.config.decoder.hiddenSize), ...textInputs(of.config) });
const layerInputs = (of: Adapted): Specs => {
  const causal = float(lengthIn(of), lengthIn(of));
  return isPrefixed(of) ? { x: stateInputs(of)['x']!, causal } : { ...stateInputs(of), 'text.mask': float('B', 'S'), causal };
};

type Run<T> = { readonly inputs: Inputs<T>; readonly size: Size };

const netOf = <T>({ config, lora }: Adapted, ops: Ops<T>, inputs: Inputs<T>) => adaptedNet(plainNet(ops, byName(inputs)), config, lora);
const decoderOf = <T>(of: Adapted, ops: Ops<T>, { inputs, size }: Run<T>): Decoder<T> => new Decoder(netOf(of, ops, inputs), of.config.decoder, sizes(size, of.config.decoder));

function embedded<T>(of: Adapted, ops: Ops<T>, inputs: Inputs<T>, size: Size): { x: T; text: T } {
  const input = byName(inputs);
  const decoder = decoderOf(of, ops, { inputs, size });
  const told = textStates(of.config, netOf(of, ops, inputs), input);
  const ids = idsOf(of.config.decoder, input);
  if (!isPrefixed(of)) return { x: decoder.embed(ids, input('positions')), text: decoder.text(told) };
  const prefix = decoder.prefix(told);
  return { x: decoder.embed(ids, input('positions'), prefix), text: prefix };
}

function layered<T>(of: Adapted, l: number, ops: Ops<T>, run: Run<T>): T {
  const input = byName(run.inputs);
  const decoder = decoderOf(of, ops, run);
  const layer = names.layer(l);
  if (isPrefixed(of)) return decoder.layer(layer, input('x'), { causalBias: input('causal') }).x;
  const cross = decoder.crossKeysValues(input('text'), layer);
  return decoder.layer(layer, input('x'), { cross, crossBias: decoder.crossBias(input('text.mask')), causalBias: input('causal') }).x;
}

const product = <T>(ops: Ops<T>, a: T, b: T): T => ops.sum(ops.mul(a, b), [0, 1, 2]);
