import * as z from 'zod';
import { BadSubmission } from '../../errors.ts';
import { isWithin } from '../../protocol/json-bounds.ts';

/** What PEFT's `adapter_config.json` says of a LoRA; the fields are PEFT's `LoraConfig`. */
export type PeftConfig = z.infer<typeof Config>;

/** A configuration with an entry for each layer of a model of hundreds has some 60 kB. */
const MAX_BYTES = 2 ** 20;
const BOUNDS = { depth: 8, values: 2 ** 14 } as const;

const Rank = z.int().positive().max(2 ** 16);
const Names = z.union([z.string(), z.array(z.string())]);

const Config = z.object({
  base_model_name_or_path: z.string().nullish(),
  /** Of the base, where it was pulled from a hub. */
  revision: z.string().nullish(),
  r: Rank,
  lora_alpha: z.number(),
  rank_pattern: z.record(z.string(), Rank).nullish(),
  alpha_pattern: z.record(z.string(), z.number()).nullish(),
  use_rslora: z.boolean().nullish(),
  target_modules: Names,
  exclude_modules: Names.nullish(),
  layers_to_transform: z.union([z.int(), z.array(z.int())]).nullish(),
  layers_pattern: Names.nullish(),
});

/** What says nothing of the function that the adapter computes: of training, of the file, of features that are off. */
const HARMLESS = ['auto_mapping', 'inference_mode', 'lora_dropout', 'megatron_core', 'peft_version', 'qalora_group_size', 'task_type'];

/** How A and B began, where the base stayed as it is; `eva` chose ranks, which are in the rank pattern. */
const INITS: readonly unknown[] = [undefined, null, true, false, 'gaussian', 'eva', 'orthogonal'];

const KNOWN = new Set([...Object.keys(Config.shape), ...HARMLESS, 'bias', 'eva_config', 'init_lora_weights', 'peft_type']);

/**
 * The configuration of a LoRA, in JSON from outside.
 * @throws {BadSubmission} naming a field that is missing or wrong, one that asks for what is not applied here, or one that
 *   is not known and says something; a text that is too long, too deep or no JSON
 */
export function readPeftConfig(file: Uint8Array | string): PeftConfig {
  const fields = parseObject(textOf(file));
  const { peft_type: type, bias = 'none', init_lora_weights: init } = fields;
  if (type !== 'LORA') throw unsupported('peft_type', type, 'LORA');
  if (bias !== null && bias !== 'none') throw unsupported('bias', bias, 'none');
  if (!INITS.includes(init)) throw unsupported('init_lora_weights', init, 'one that leaves the base as it is');
  const foreign = Object.entries(fields).find(([name, value]) => !KNOWN.has(name) && !isOff(value));
  if (foreign !== undefined) throw unsupported(foreign[0], foreign[1], 'none, as it is not supported');
  const parsed = Config.safeParse(fields);
  if (!parsed.success) throw new BadSubmission(`Expected PEFT's adapter_config.json, got one with\n${z.prettifyError(parsed.error)}`);
  checkLayers(parsed.data);
  return parsed.data;
}

/** PEFT refuses the same. */
function checkLayers({ target_modules: targets, layers_to_transform: layers, layers_pattern: pattern }: PeftConfig): void {
  const isChosen = layers !== undefined && layers !== null;
  if (isChosen && typeof targets === 'string') throw unsupported('layers_to_transform', layers, 'none where target_modules is one pattern');
  if (!isOff(pattern) && !isChosen) throw unsupported('layers_pattern', pattern, 'none without layers_to_transform');
}

function textOf(file: Uint8Array | string): string {
  if (file.length > MAX_BYTES) throw new BadSubmission(`Expected an adapter_config.json of at most ${MAX_BYTES} bytes, got ${file.length}`);
  if (typeof file === 'string') return file;
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(file);
  } catch (cause) {
    throw new BadSubmission('Expected adapter_config.json in UTF-8, got other bytes', { cause });
  }
}

function parseObject(text: string): Record<string, unknown> {
  if (!isWithin(text, BOUNDS)) throw new BadSubmission(`Expected an adapter_config.json of at most ${BOUNDS.depth} levels and ${BOUNDS.values} values, got more`);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new BadSubmission('Expected adapter_config.json to be JSON, got other text', { cause });
  }
  if (!isObject(value)) throw new BadSubmission('Expected adapter_config.json to hold an object, got another value');
  return value;
}

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value);

function isOff(value: unknown): boolean {
  if (Array.isArray(value)) return value.length === 0;
  if (isObject(value)) return Object.keys(value).length === 0;
  return value === undefined || value === null || value === false || value === '';
}

const unsupported = (field: string, got: unknown, expected: string): BadSubmission =>
  new BadSubmission(`Expected adapter_config.json to have ${field} ${expected}, got ${JSON.stringify(got)?.slice(0, 80) ?? 'none'}`);
