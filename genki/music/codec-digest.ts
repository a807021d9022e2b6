import { InvalidInput } from '../errors.ts';
import { fileDigest } from '../protocol/digests.ts';
import { contentDigestOf, type TensorSource } from '../protocol/tensor-source.ts';
import { CODEC_PREFIX } from './musicgen/model-tensors.ts';
import type { Model } from './open-model.ts';

/** What a model's codes depend on, base64: its codec's tensors and configuration; undefined of the sound chip, of which there is one. */
export async function codecDigest({ music, weights }: Model): Promise<string | undefined> {
  if (music.codec.kind === 'apu') return undefined;
  return fileDigest(JSON.stringify([await contentDigestOf(partOf(weights, CODEC_PREFIX)), music.codec, music.decoder.channels ?? 1]));
}

/**
 * Codes mean what their codec says: those of another one would train without a word.
 * @throws {InvalidInput} when a dataset's are not the model's
 */
export async function checkCodec({ codec, name }: { readonly codec?: string | undefined; readonly name: string }, model: Model): Promise<void> {
  const own = await codecDigest(model);
  if (codec === own) return;
  const told = (digest: string | undefined): string => (digest === undefined ? 'the sound chip' : `the codec ${digest}`);
  throw new InvalidInput(`Expected a dataset in codes of ${told(own)}, got ${name} in those of ${told(codec)}`);
}

/** Those of its tensors whose names begin so. */
const partOf = (source: TensorSource, prefix: string): TensorSource => ({ ...source, specs: new Map([...source.specs].filter(([name]) => name.startsWith(prefix))), read: (name) => source.read(name) });
