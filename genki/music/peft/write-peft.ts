import { encodeSafetensors, type HostTensor } from '../../protocol/safetensors.ts';
import { type Adapter, adapterConfigJson, type AdapterLayer, loraScale, type LoraConfig } from '../lora.ts';
import { transposed } from './read-peft.ts';
import { isTable, peftNames } from './tensor-names.ts';

/**
 * The adapter as PEFT's `adapter_config.json` and `adapter_model.safetensors`, which `PeftModel.from_pretrained` loads onto
 * a `MusicgenForConditionalGeneration`; neither text encoder nor codec is touched.
 * @param options.base what the adapter says its base is: the base's digest, or the name that Python knows it by
 */
export function writePeft(adapter: Adapter, { base }: { base: string }): { config: string; weights: Uint8Array } {
  return { config: configJson(adapter, base), weights: encodeSafetensors(tensorsOf(adapter), { format: 'pt' }) };
}

function tensorsOf({ layers }: Adapter): Map<string, HostTensor> {
  const tensors = new Map<string, HostTensor>();
  for (const [module, { a, b, in: columns, out, rank }] of layers) {
    const name = peftNames(module);
    const inTable = isTable(module);
    tensors.set(name.a, { shape: [rank, inTable ? out : columns], dtype: 'F32', data: inTable ? transposed(b, out, rank) : a });
    tensors.set(name.b, { shape: [inTable ? columns : out, rank], dtype: 'F32', data: inTable ? transposed(a, rank, columns) : b });
  }
  return tensors;
}

/** Patterns are full names, which every version of PEFT matches with that one layer alone. */
function configJson({ config, layers }: Adapter, base: string): string {
  const sized = [...layers].map(([module, layer]) => ({ module, rank: layer.rank, alpha: alphaOf(layer, module, config) }));
  const ranks = sized.flatMap(({ module, rank }) => (rank === config.rank ? [] : [[module, rank] as const]));
  const alphas = sized.flatMap(({ module, alpha }) => (alpha === config.alpha ? [] : [[module, alpha] as const]));
  const plain = JSON.parse(adapterConfigJson(config, base)) as Record<string, unknown>;
  const target = config.modules === undefined ? {} : { target_modules: sized.map(({ module }) => module) };
  const patterns = { ...(ranks.length > 0 && { rank_pattern: Object.fromEntries(ranks) }), ...(alphas.length > 0 && { alpha_pattern: Object.fromEntries(alphas) }) };
  return `${JSON.stringify({ ...plain, ...target, ...patterns }, null, 2)}\n`;
}

/** The configuration's, unless the layer was scaled since. */
function alphaOf({ rank, scale }: AdapterLayer, module: string, { alpha, rslora, modules }: LoraConfig): number {
  const own = modules?.[module]?.alpha ?? alpha;
  if (loraScale({ rank, alpha: own, rslora }) === scale) return own;
  return scale * (rslora ? Math.sqrt(rank) : rank);
}
