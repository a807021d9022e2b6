import { BadSubmission } from '../../errors.ts';
import { decodeSafetensors, type HostTensor, type TensorMap } from '../../protocol/safetensors.ts';
import type { LanguageConfig } from '../config.ts';
import { type Adapter, adaptableLinears, type AdapterLayer, type LoraConfig, loraScale, type LoraSize } from '../lora.ts';
import { decoderLinears, type LinearSpec, sameShape } from '../weights.ts';
import { type AdapterBase, checkBase } from './base-of.ts';
import { type PeftConfig, readPeftConfig } from './peft-config.ts';
import { sizeByModule, targetedLayers } from './peft-targets.ts';
import { factorOf, isTable, peftNames } from './tensor-names.ts';

/** The two files of an adapter as PEFT saves it: `adapter_config.json` and `adapter_model.safetensors`. */
export type PeftFiles = { readonly config: Uint8Array | string; readonly weights: Uint8Array };

const LIMITS = { maxTensors: 2 ** 13, maxHeaderBytes: 2 ** 22 } as const;

type SizedLinear = LinearSpec & LoraSize;

/**
 * An adapter that PEFT saved, or `writePeft` did: LoRA and rank-stabilised LoRA of the language model, with PEFT's ways of
 * choosing layers, ranks and alphas, in float32, float16 or bfloat16.
 * @param expected.music the model that it is for
 * @param expected.base which model that is; without it, an adapter of any base is taken
 * @returns with `config.modules` only where `rank`, `alpha` and `targets` do not say it all
 * @throws {BadSubmission} naming what the files hold that cannot be applied, or what is missing, unknown or not finite
 * @throws {InvalidInput} when it is of another base
 */
export function readPeftAdapter({ config: file, weights }: PeftFiles, { music, base }: { music: LanguageConfig; base?: AdapterBase }): Adapter {
  const config = readPeftConfig(file);
  if (base !== undefined) checkBase(config, base);
  const sizeOf = sizeByModule(config);
  const linears = targetedLayers(config, adaptableLinears(music)).map((linear): SizedLinear => ({ ...linear, ...sizeOf(linear.module) }));
  if (linears.length === 0) throw new BadSubmission(`Expected target_modules of the language model, got ${JSON.stringify(config.target_modules).slice(0, 80)}`);
  const tensors = byPlainName(decodeSafetensors(weights, LIMITS).tensors);
  checkNames(tensors, music, new Set(linears.map(({ module }) => module)));
  const lora = loraConfigOf(config, music, linears);
  return { config: lora, layers: new Map(linears.map((linear) => [linear.module, layerOf(tensors, linear, lora.rslora)])) };
}

/** The tensors by the names that PEFT saves them under, without the name of the adapter in some. */
function byPlainName(tensors: TensorMap): TensorMap {
  const plain = new Map<string, HostTensor>();
  for (const [name, tensor] of tensors) {
    const factor = factorOf(name);
    if (factor === undefined || factor.ofTable !== isTable(factor.module)) throw new BadSubmission(`Expected factors of LoRA only, got the tensor ${name}`);
    const { a, b } = peftNames(factor.module);
    const key = factor.factor === 'A' ? a : b;
    if (plain.has(key)) throw new BadSubmission(`Expected tensor ${key} once, got ${name} too`);
    plain.set(key, tensor);
  }
  return plain;
}

/** What the tensors are of and what the configuration chooses has to be the same. */
function checkNames(tensors: TensorMap, music: LanguageConfig, targeted: ReadonlySet<string>): void {
  const known = new Set(adaptableLinears(music).map(({ module }) => module));
  for (const name of tensors.keys()) {
    const { module } = factorOf(name)!;
    if (!known.has(module)) throw new BadSubmission(`Expected an adapter of the language model's linear layers and tables, got the tensor ${name}, which cannot be applied here`);
    if (!targeted.has(module)) throw new BadSubmission(`Expected tensors of the modules that adapter_config.json targets, got ${name}`);
  }
}

function layerOf(tensors: TensorMap, { module, in: columns, out, rank, alpha }: SizedLinear, rslora: boolean): AdapterLayer {
  const { a, b } = peftNames(module);
  const size = { in: columns, out, rank, scale: loraScale({ rank, alpha, rslora }) };
  if (!isTable(module)) return { a: finiteFloats(tensors, a, [rank, columns]), b: finiteFloats(tensors, b, [out, rank]), ...size };
  // of a table [out, in] PEFT keeps the factors of [in, out]
  const [first, second] = [finiteFloats(tensors, a, [rank, out]), finiteFloats(tensors, b, [columns, rank])];
  return { a: transposed(second, columns, rank), b: transposed(first, rank, out), ...size };
}

/** [rows, columns] -> [columns, rows]. */
export function transposed(values: Float32Array, rows: number, columns: number): Float32Array {
  return Float32Array.from(values, (_, i) => values[(i % rows) * columns + Math.floor(i / rows)]!);
}

function finiteFloats(tensors: TensorMap, name: string, shape: readonly number[]): Float32Array {
  const tensor = tensors.get(name);
  if (tensor === undefined) throw new BadSubmission(`Expected tensor ${name}, which adapter_config.json targets, got none`);
  if (!(tensor.data instanceof Float32Array) || !sameShape(tensor.shape, shape)) {
    throw new BadSubmission(`Expected tensor ${name} to be F32, F16 or BF16 [${shape.join(', ')}], got ${tensor.dtype} [${tensor.shape.join(', ')}]`);
  }
  const at = tensor.data.findIndex((value) => !Number.isFinite(value));
  if (at !== -1) throw new BadSubmission(`Expected tensor ${name} to be finite, got ${tensor.data[at]} at ${at}`);
  return tensor.data;
}

/** In the plain words, if they say it all: every layer of the decoder with such a name, each with the same rank and alpha. */
function loraConfigOf({ r, lora_alpha: alpha, use_rslora: rslora }: PeftConfig, music: LanguageConfig, linears: readonly SizedLinear[]): LoraConfig {
  const [{ rank, alpha: firstAlpha }] = linears as [SizedLinear];
  const inLayers = new Set(decoderLinears(music).map(({ module }) => module));
  const lastPart = (module: string): string => module.slice(module.lastIndexOf('.') + 1);
  const targets = [...new Set(linears.map(({ module }) => (inLayers.has(module) ? lastPart(module) : module)))];
  const meant = [...inLayers].filter((module) => targets.includes(lastPart(module)));
  const isPlain = linears.every((linear) => inLayers.has(linear.module) && linear.rank === rank && linear.alpha === firstAlpha) && meant.length === linears.length;
  if (isPlain) return { rank, alpha: firstAlpha, targets, rslora: rslora ?? false };
  const modules = Object.fromEntries(linears.map((linear) => [linear.module, { rank: linear.rank, alpha: linear.alpha }]));
  return { rank: r, alpha, targets, rslora: rslora ?? false, modules };
}
