import { copyFile, mkdir, readdir, rename, rm } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { InvalidInput } from '../../genki/errors.ts';
import type { MusicConfig } from '../../genki/music/config.ts';
import { openModel, type OpenModel } from '../../genki/music/open-model.ts';
import { mergedSource } from '../../genki/music/peft/merged-source.ts';
import { saveSafetensors } from '../../genki/protocol/save-safetensors.ts';
import { table } from '../first-light/screen.ts';
import { licenceOf, readSource, SOURCE_FILE } from '../hub/source.ts';
import { TEXT_FILES } from '../hub/wanted-files.ts';
import { readAdapter } from '../read-adapter.ts';

/** `genki model inspect`: what a model's folder holds. */
export async function inspectModel({ folder, json }: { readonly folder: string; readonly json: boolean }): Promise<void> {
  const model = await openModel(folder);
  try {
    const about = { ...aboutOf(model), licence: await licenceOf(folder), source: await readSource(folder), digest: await model.digest() };
    process.stdout.write(json ? `${JSON.stringify({ ...about, config: model.music })}\n` : `${linesOf(about, model.music).join('\n')}\n`);
  } finally {
    await model.close();
  }
}

function aboutOf({ weights, strangers, tokenizer }: OpenModel) {
  const specs = [...weights.specs.values()];
  const parameters = specs.reduce((sum, { shape }) => sum + shape.reduce((count, size) => count * size, 1), 0);
  return { parameters, tensors: specs.length, dtypes: [...new Set(specs.map(({ dtype }) => dtype))], hasTokenizer: tokenizer !== undefined, strangers };
}

type About = ReturnType<typeof aboutOf> & { readonly licence: string | undefined; readonly digest: string; readonly source: { readonly repository: string; readonly revision: string } | undefined };

function linesOf({ parameters, tensors, dtypes, hasTokenizer, strangers, licence, source, digest }: About, { decoder, codec, textEncoder }: MusicConfig): string[] {
  const told = textEncoder === undefined ? 'words of its own' : `T5, ${textEncoder.numLayers} layers of ${textEncoder.hiddenSize}${hasTokenizer ? '' : ', but there is no tokenizer.json'}`;
  const sound = codec.kind === 'apu' ? 'the sound chip' : `EnCodec, ${codec.sampleRate} Hz${decoder.channels === 2 ? ', stereo' : ''}`;
  return table(['what', 'is'], [
    ['digest', digest],
    ['from', source === undefined ? 'unknown' : `${source.repository}@${source.revision}`],
    ['licence', licence ?? 'none that its card names'],
    ['parameters', `${(parameters / 1e6).toFixed(1)} million in ${tensors} tensors of ${dtypes.join(', ')}`],
    ['decoder', `${decoder.numLayers} layers of ${decoder.hiddenSize}, ${decoder.numHeads} heads, ${decoder.numCodebooks} codebooks of ${decoder.vocabSize} codes`],
    ['told by', told],
    ['sound', `${sound}, ${codec.frameRate} frames a second, ${(codec.frames / codec.frameRate).toFixed(1)} s at once`],
    ...(strangers.length === 0 ? [] : [['not used', `${strangers.length} tensors: ${strangers.slice(0, 3).join(', ')}${strangers.length > 3 ? ', …' : ''}`]]),
  ]);
}

export type MergeOptions = { readonly folder: string; readonly adapter: string; readonly output: string; readonly anyBase: boolean; readonly keepDtype: boolean; readonly json: boolean };

/** `genki model merge`: a model with an adapter in its weights, tensor by tensor, as a folder of its own. */
export async function mergeModel({ folder, adapter: from, output, anyBase, keepDtype, json }: MergeOptions): Promise<void> {
  const target = resolve(output);
  if (existsSync(target)) throw new InvalidInput(`Expected a folder that is not there yet, got ${output}`);
  const model = await openModel(folder);
  const work = `${target}.merging-${process.pid}`;
  try {
    const { adapter } = await readAdapter(from, { model, folder, anyBase });
    await mkdir(work, { recursive: true });
    await saveSafetensors(join(work, 'model.safetensors'), mergedSource(model.weights, adapter, keepDtype ? 'as in the base' : 'F32'), { format: 'pt' });
    // what a merged model is, and where it comes from, is for whoever makes it to say
    const kept = (await readdir(folder)).filter((name) => TEXT_FILES.includes(name) && ![SOURCE_FILE, 'README.md', 'model.safetensors.index.json', 'training.json', 'loss-curve.json'].includes(name));
    for (const name of kept) await copyFile(join(folder, name), join(work, name));
    await rename(work, target);
  } finally {
    await rm(work, { recursive: true, force: true });
    await model.close();
  }
  const merged = await openModel(target);
  try {
    const digest = await merged.digest();
    process.stdout.write(json ? `${JSON.stringify({ output, digest })}\n` : `${output}: digest ${digest}\n`);
  } finally {
    await merged.close();
  }
}
