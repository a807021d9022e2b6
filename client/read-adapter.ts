import { join } from 'node:path';
import type { LanguageConfig } from '../genki/music/config.ts';
import type { Adapter } from '../genki/music/lora.ts';
import type { AdapterBase } from '../genki/music/peft/base-of.ts';
import { readPeftAdapter } from '../genki/music/peft/read-peft.ts';
import { readFileWithin } from './data/read-file.ts';

const MAX_CONFIG_BYTES = 2 ** 20;
const MAX_ADAPTER_BYTES = 2 ** 31;

/**
 * An adapter in a folder, as PEFT writes it.
 * @throws {InvalidInput} {BadSubmission} {TooLarge} when it is none, or one of another base
 */
export async function readAdapter(folder: string, of: { readonly music: LanguageConfig; readonly base: AdapterBase }): Promise<Adapter> {
  const config = await readFileWithin(join(folder, 'adapter_config.json'), MAX_CONFIG_BYTES);
  return readPeftAdapter({ config, weights: await readFileWithin(join(folder, 'adapter_model.safetensors'), MAX_ADAPTER_BYTES) }, of);
}
