import { BadSubmission, InvalidInput } from '../errors.ts';
import { decodeSafetensors, encodeSafetensors, type HostTensor, type TensorMap } from '../protocol/safetensors.ts';
import type { LanguageConfig } from './config.ts';
import { decoderLinears, type LinearSpec, sameShape, weightSpecs } from './weights.ts';

/** Low-rank adaptation (Hu et al. 2021) of linear layers, as PEFT describes it. */
export type LoraConfig = {
  readonly rank: number;
  readonly alpha: number;
  /** Last part of the modules' names, such as `q_proj` or `fc1`. */
  readonly targets: readonly string[];
  /** Rank-stabilised: scale alpha / √rank (Kalajdzievski 2023) instead of alpha / rank. */
  readonly rslora: boolean;
  /**
   * Where given: exactly these modules by their full names, each with its own rank and alpha, and no other that `targets`
   * name; `rank` and `alpha` then bind none of them. What PEFT's patterns and choices of layers come down to.
   */
  readonly modules?: Readonly<Record<string, LoraSize>>;
};

export type LoraSize = { readonly rank: number; readonly alpha: number };

/** One layer's update, scale · B A, added to a weight [out, in]. */
export type AdapterLayer = {
  /** Shape [rank, in]. */
  readonly a: Float32Array;
  /** Shape [out, rank]. */
  readonly b: Float32Array;
  readonly in: number;
  readonly out: number;
  readonly rank: number;
  readonly scale: number;
};

export type Adapter = { readonly config: LoraConfig; readonly layers: ReadonlyMap<string, AdapterLayer> };

const PREFIX = 'base_model.model.';
const WEIGHT = '.weight';

/**
 * Trained factors are two to three times as large as their product. Of far larger ones that cancel out, Gram matrices in
 * float64 keep nothing but rounding: whoever adds such a pair to a copy would have a norm of 0 and be like nobody.
 */
const MOST_CANCELLED = 10;

export const loraScale = ({ rank, alpha, rslora }: LoraSize & Pick<LoraConfig, 'rslora'>): number => alpha / (rslora ? Math.sqrt(rank) : rank);
export const loraNames = (module: string): { a: string; b: string } => ({ a: `${module}.lora_A.weight`, b: `${module}.lora_B.weight` });

/**
 * All that an adapter can change, in the order of the model's tensors: the decoder's linear layers, the projections
 * before it, its heads, and its tables of embeddings (as `out` rows of `in` values).
 */
export function adaptableLinears(config: LanguageConfig): LinearSpec[] {
  return weightSpecs(config).flatMap(({ name, shape }) => {
    const isOurs = name.endsWith(WEIGHT) && shape.length === 2 && !name.startsWith('text_encoder.');
    return isOurs ? [{ module: name.slice(0, -WEIGHT.length), in: shape[1]!, out: shape[0]! }] : [];
  });
}

/**
 * The layers that the adapter changes: of the decoder's linear ones those that `targets` name, or exactly `modules`.
 * @throws {InvalidInput} naming a target or module that no layer has
 */
export function targetLinears(config: LanguageConfig, { targets, modules }: LoraConfig): LinearSpec[] {
  if (modules !== undefined) return listedLinears(config, modules);
  const targetOf = ({ module }: LinearSpec): string => module.slice(module.lastIndexOf('.') + 1);
  const linears = decoderLinears(config);
  const unknown = targets.find((target) => !linears.some((linear) => targetOf(linear) === target));
  if (unknown !== undefined || targets.length === 0) throw new InvalidInput(`Expected targets among the decoder's linear layers, got ${unknown ?? 'none'}`);
  return linears.filter((linear) => targets.includes(targetOf(linear)));
}

function listedLinears(config: LanguageConfig, modules: NonNullable<LoraConfig['modules']>): LinearSpec[] {
  const listed = adaptableLinears(config).filter(({ module }) => Object.hasOwn(modules, module));
  const found = new Set(listed.map(({ module }) => module));
  const unknown = Object.keys(modules).find((module) => !found.has(module));
  if (unknown !== undefined || listed.length === 0) throw new InvalidInput(`Expected modules among the model's linear layers and tables, got ${unknown ?? 'none'}`);
  return listed;
}

/** One layer that an adapter changes, with the rank and the scale that it has there. */
export type LoraLayer = LinearSpec & { readonly rank: number; readonly scale: number };

/**
 * The layers that the adapter changes, as `targetLinears` gives them.
 * @throws {InvalidInput} naming a target or module that no layer has
 */
export const loraLayers = (config: LanguageConfig, lora: LoraConfig): LoraLayer[] =>
  targetLinears(config, lora).map((linear) => {
    const { rank, alpha } = lora.modules?.[linear.module] ?? lora;
    return { ...linear, rank, scale: loraScale({ rank, alpha, rslora: lora.rslora }) };
  });

/** The adapter as PEFT's `adapter_model.safetensors`. */
export function encodeAdapter({ layers }: Adapter): Uint8Array {
  const tensors = new Map<string, HostTensor>();
  for (const [module, { a, b, rank, ...size }] of layers) {
    const name = loraNames(PREFIX + module);
    tensors.set(name.a, { shape: [rank, size.in], dtype: 'F32', data: a });
    tensors.set(name.b, { shape: [size.out, rank], dtype: 'F32', data: b });
  }
  return encodeSafetensors(tensors, { format: 'pt' });
}

/**
 * The adapter in PEFT's `adapter_model.safetensors`, which comes from outside.
 * @param expected the model it is for, what LoRA the competition asks for, and the largest `updateNorm` it takes
 * @throws {BadSubmission} naming what was expected and found: a tensor missing or unknown, its dtype or shape, a value
 *   that is not finite, too large a norm, factors that are large and all but cancel out
 */
export function decodeAdapter(bytes: Uint8Array, expected: { music: LanguageConfig; lora: LoraConfig; maxNorm?: number }): Adapter {
  const { music, lora, maxNorm = Infinity } = expected;
  const expectedLayers = loraLayers(music, lora);
  const maxElements = expectedLayers.reduce((count, { in: columns, out, rank }) => count + rank * (columns + out), 0);
  const { tensors } = decodeSafetensors(bytes, { maxElements, maxHeaderBytes: 1024 * (expectedLayers.length + 1) });
  const unread = new Set(tensors.keys());
  const take = (name: string, shape: readonly number[]): Float32Array => {
    unread.delete(name);
    return finiteFloats(tensors, name, shape);
  };
  const layers = new Map<string, AdapterLayer>();
  for (const { module, in: columns, out, rank, scale } of expectedLayers) {
    const name = loraNames(PREFIX + module);
    const a = take(name.a, [rank, columns]);
    const b = take(name.b, [out, rank]);
    layers.set(module, { a, b, in: columns, out, rank, scale });
  }
  const [surplus] = unread;
  if (surplus !== undefined) throw new BadSubmission(`Expected an adapter of ${lora.targets.join(', ')}, got the unknown tensor ${surplus}`);
  const adapter = { config: lora, layers };
  const norm = updateNorm(adapter);
  if (!(norm <= maxNorm)) throw new BadSubmission(`Expected an update of norm at most ${maxNorm}, got ${norm}`);
  const uncancelled = uncancelledNorm(adapter);
  if (!(uncancelled <= MOST_CANCELLED * maxNorm)) throw new BadSubmission(`Expected factors of norm at most ${MOST_CANCELLED * maxNorm}, got ${uncancelled}, of which all but ${norm} cancels out`);
  return adapter;
}

function finiteFloats(tensors: TensorMap, name: string, shape: readonly number[]): Float32Array {
  const tensor = tensors.get(name);
  if (tensor === undefined) throw new BadSubmission(`Expected tensor ${name}, got none`);
  if (tensor.dtype !== 'F32' || !(tensor.data instanceof Float32Array) || !sameShape(tensor.shape, shape)) {
    throw new BadSubmission(`Expected tensor ${name} to be F32 [${shape.join(', ')}], got ${tensor.dtype} [${tensor.shape.join(', ')}]`);
  }
  const at = tensor.data.findIndex((value) => !Number.isFinite(value));
  if (at !== -1) throw new BadSubmission(`Expected tensor ${name} to be finite, got ${tensor.data[at]} at ${at}`);
  return tensor.data;
}

/** Frobenius norm of the whole update, √ Σ ‖scale B A‖², by the Gram matrices: ‖B A‖² = Σ (BᵀB) ∘ (A Aᵀ). */
export function updateNorm({ layers }: Adapter): number {
  let sum = 0;
  for (const { a, b, in: columns, out, rank, scale } of layers.values()) {
    for (let i = 0; i < rank; i++) {
      for (let j = 0; j < rank; j++) {
        let aa = 0;
        let bb = 0;
        for (let c = 0; c < columns; c++) aa += a[i * columns + c]! * a[j * columns + c]!;
        for (let o = 0; o < out; o++) bb += b[o * rank + i]! * b[o * rank + j]!;
        sum += scale * scale * aa * bb;
      }
    }
  }
  return Math.sqrt(Math.max(0, sum));
}

/** Norm of the update if nothing in it cancelled out: √ Σ (scale Σ_r ‖b_r‖ ‖a_r‖)². */
function uncancelledNorm({ layers }: Adapter): number {
  let sum = 0;
  for (const { a, b, in: columns, out, rank, scale } of layers.values()) {
    let layer = 0;
    for (let r = 0; r < rank; r++) {
      let aa = 0;
      let bb = 0;
      for (let c = 0; c < columns; c++) aa += a[r * columns + c]! ** 2;
      for (let o = 0; o < out; o++) bb += b[o * rank + r]! ** 2;
      layer += scale * Math.sqrt(aa) * Math.sqrt(bb);
    }
    sum += layer ** 2;
  }
  return Math.sqrt(sum);
}

/** PEFT's `adapter_config.json` of an adapter without `modules`; the pattern spares the text encoder and the codec. */
export function adapterConfigJson({ rank, alpha, targets, rslora }: LoraConfig, baseDigest: string): string {
  const config = {
    base_model_name_or_path: baseDigest,
    bias: 'none',
    fan_in_fan_out: false,
    inference_mode: true,
    lora_alpha: alpha,
    lora_dropout: 0,
    peft_type: 'LORA',
    r: rank,
    target_modules: `.*decoder\\.model\\.decoder\\.layers\\.\\d+\\.(.*\\.)?(${targets.join('|')})`,
    use_rslora: rslora,
  };
  return `${JSON.stringify(config, null, 2)}\n`;
}
