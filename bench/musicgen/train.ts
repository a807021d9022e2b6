import { join } from 'node:path';
import { chooseEngine } from '../../genki/engine/choose-engine.ts';
import type { Context } from '../context.ts';
import type { Figure } from '../figure.ts';
import { PyTorchPeer } from '../pytorch/pytorch-peer.ts';
import { compared, peerSteps, trainerSteps } from '../training-steps.ts';
import { THREADS } from '../workload.ts';
import { type Kind, openLesson, peerLesson } from './learning.ts';
import { writeRandomModel } from './random-model.ts';
import { type SizeName, SIZES } from './sizes.ts';

/** Small models step often in one turn, so that a turn is no shorter than the machine's own ups and downs. */
const TURNS: Readonly<Record<SizeName, { readonly turns: number; readonly each: number }>> = {
  'nano': { turns: 8, each: 5 },
  '100m': { turns: 5, each: 2 },
  'd1024': { turns: 6, each: 2 },
  'small': { turns: 3, each: 1 },
};

/** A step that trains an adapter, beside transformers and PEFT. */
export const musicgenTrainLora = (context: Context): Promise<Figure[]> => eachSize('musicgen-train-lora', { sizes: ['nano', '100m', 'd1024'], kind: 'lora' }, context);

/** A step that trains all weights, beside transformers. */
export const musicgenTrain = (context: Context): Promise<Figure[]> => eachSize('musicgen-train', { sizes: ['nano', '100m'], kind: 'full' }, context);

async function eachSize(name: string, { sizes, kind }: { sizes: readonly SizeName[]; kind: Kind }, context: Context): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const size of sizes) figures.push(await step(`${name}-${size}`, { size, kind }, context));
  return figures;
}

async function step(name: string, of: { size: SizeName; kind: Kind }, context: Context): Promise<Figure> {
  const size = SIZES[of.size];
  const folder = join(context.folder, size.name);
  const music = await writeRandomModel(folder, size);
  const engine = await chooseEngine({ prefer: 'onnx', threads: THREADS });
  const peer = await PyTorchPeer.start({ ...context, threads: THREADS, script: 'musicgen-peer.py' });
  try {
    const ours = await trainerSteps(engine, await openLesson(folder, size, of.kind));
    const theirs = peer && (await peerSteps(peer, await peerLesson(folder, music, { size, kind: of.kind })));
    return await compared(name, { ours, peer: theirs }, { ...TURNS[of.size], note: context.note });
  } finally {
    await peer?.stop();
    await engine.dispose();
  }
}
