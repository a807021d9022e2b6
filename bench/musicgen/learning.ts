import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { initialAdapter } from '../../genki/music/adapted-net.ts';
import type { LanguageConfig } from '../../genki/music/config.ts';
import { adapterConfigJson, encodeAdapter } from '../../genki/music/lora.ts';
import { languageWeights, openModel } from '../../genki/music/open-model.ts';
import type { Hyper, Trainable } from '../../genki/music/trainer.ts';
import { Random } from '../../genki/protocol/random.ts';
import { RUBY } from '../../genki/protocol/ruby.ts';
import { writeBatch } from '../pytorch/files.ts';
import type { Lesson } from '../training-steps.ts';
import { randomBatch } from './material.ts';
import type { Size } from './sizes.ts';

export type Kind = 'lora' | 'full';

/** Every step on the same batch at a rate that never changes, with the shipped competition's rank and targets. */
const hyperOf = ({ rows }: Size): Hyper => ({ ...RUBY.training.hyper, learningRate: 1e-4, weightDecay: 0.01, schedule: 'constant', guidanceDropout: 0, batch: rows });

const trainableOf = (music: LanguageConfig, kind: Kind): Trainable =>
  kind === 'full' ? { kind } : { kind, lora: RUBY.lora, adapter: initialAdapter(music, RUBY.lora, new Random('bench')) };

/** What our side trains of the model in a folder. */
export async function openLesson(folder: string, size: Size, kind: Kind): Promise<Lesson> {
  const model = await openModel(folder);
  try {
    const { music } = model;
    return { music, weights: await languageWeights(model), trainable: trainableOf(music, kind), hyper: hyperOf(size), batch: randomBatch(music, size) };
  } finally {
    await model.close();
  }
}

/** The same for `musicgen-peer.py`, in files beside the model. */
export async function peerLesson(folder: string, music: LanguageConfig, { size, kind }: { size: Size; kind: Kind }): Promise<object> {
  const batch = join(folder, 'batch.safetensors');
  await writeBatch(batch, randomBatch(music, size));
  const request = { model: folder, batch, hyper: hyperOf(size) };
  const trainable = trainableOf(music, kind);
  if (trainable.kind === 'full' || trainable.adapter === undefined) return request;
  const adapter = join(folder, 'adapter');
  await mkdir(adapter, { recursive: true });
  await writeFile(join(adapter, 'adapter_config.json'), adapterConfigJson(trainable.lora, folder));
  await writeFile(join(adapter, 'adapter_model.safetensors'), encodeAdapter(trainable.adapter));
  return { ...request, adapter };
}
