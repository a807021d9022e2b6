import { join } from 'node:path';
import type { Adapter } from '../../genki/music/lora.ts';
import type { OpenModel } from '../../genki/music/open-model.ts';
import { readPeftAdapter } from '../../genki/music/peft/read-peft.ts';
import { sha256Hex } from '../../genki/protocol/digests.ts';
import { readFileWithin } from '../data/read-file.ts';
import { readSource } from '../hub/source.ts';

const MAX_CONFIG_BYTES = 2 ** 20;
const MAX_WEIGHTS_BYTES = 2 ** 31;

export type PlayedAdapter = { readonly adapter: Adapter; /** sha256 of its tensors' file, hex. */ readonly digest: string };

/**
 * The adapter in a folder as PEFT saves it, for a model; one from elsewhere may name the repository that the model was pulled from.
 * @param of.folder the model's, if it has one
 * @param of.anyBase takes an adapter that does not name the model, unless it names another one by its digest
 * @throws {InvalidInput} {BadSubmission} when it is no adapter, or one of another base
 */
export async function adapterIn(folder: string, of: { model: OpenModel; folder: string | undefined; anyBase: boolean }): Promise<PlayedAdapter> {
  const config = await readFileWithin(join(folder, 'adapter_config.json'), MAX_CONFIG_BYTES);
  const weights = await readFileWithin(join(folder, 'adapter_model.safetensors'), MAX_WEIGHTS_BYTES);
  const source = of.folder === undefined ? undefined : await readSource(of.folder);
  const names = source === undefined ? [] : [source.repository, `${source.repository}@${source.revision}`];
  const base = { digest: await of.model.digest(), names, anyName: of.anyBase };
  return { adapter: readPeftAdapter({ config, weights }, { music: of.model.music, base }), digest: sha256Hex(weights) };
}
