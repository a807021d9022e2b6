import { join } from 'node:path';
import type { Adapter } from '../genki/music/lora.ts';
import type { OpenModel } from '../genki/music/open-model.ts';
import { readPeftAdapter } from '../genki/music/peft/read-peft.ts';
import { sha256Hex } from '../genki/protocol/digests.ts';
import { baseOf } from './base-names.ts';
import { readFileWithin } from './data/read-file.ts';

const MAX_CONFIG_BYTES = 2 ** 20;
const MAX_WEIGHTS_BYTES = 2 ** 31;

/** What an adapter is for: a model, the folder that it lies in if it has one, and whether an adapter that does not name it will do. */
export type Wanted = { readonly model: OpenModel; readonly folder: string | undefined; readonly anyBase: boolean };

/**
 * The adapter in a folder, as PEFT saves it.
 * @returns with the sha256 of its tensors' file, hex
 * @throws {InvalidInput} {BadSubmission} {TooLarge} when it is none, or one of another base
 */
export async function readAdapter(folder: string, { model, folder: of, anyBase }: Wanted): Promise<{ readonly adapter: Adapter; readonly digest: string }> {
  const config = await readFileWithin(join(folder, 'adapter_config.json'), MAX_CONFIG_BYTES);
  const weights = await readFileWithin(join(folder, 'adapter_model.safetensors'), MAX_WEIGHTS_BYTES);
  const base = await baseOf(of, { digest: await model.digest(), anyName: anyBase });
  return { adapter: readPeftAdapter({ config, weights }, { music: model.music, base }), digest: sha256Hex(weights) };
}
