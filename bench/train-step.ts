import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { chooseEngine } from '../genki/engine/choose-engine.ts';
import { initialAdapter } from '../genki/music/adapted-net.ts';
import { batchOfClips } from '../genki/music/batch.ts';
import { encodeAdapter, loraScale } from '../genki/music/lora.ts';
import type { Hyper, Trainable } from '../genki/music/trainer.ts';
import { Random } from '../genki/protocol/random.ts';
import { RUBY } from '../genki/protocol/ruby.ts';
import type { Context } from './context.ts';
import type { Figure } from './figure.ts';
import { PyTorchPeer } from './pytorch/pytorch-peer.ts';
import { writeBatch } from './pytorch/files.ts';
import { compared, type Lesson, peerSteps, trainerSteps } from './training-steps.ts';
import { readWorkload, THREADS, WEIGHTS_FILE, type Workload } from './workload.ts';

/** Every step on the same batch, text included, at a rate that never changes: what the peers can do alike. */
const HYPER: Hyper = { ...RUBY.training.hyper, learningRate: 1e-3, weightDecay: 0.01, schedule: 'constant', guidanceDropout: 0 };

/** A step that trains an adapter, beside PyTorch. */
export const trainStepLora = (context: Context): Promise<Figure[]> => besidePyTorch('train-step-lora', loraOf, context);

/** A step that trains all weights, beside PyTorch. */
export const trainStep = (context: Context): Promise<Figure[]> => besidePyTorch('train-step', () => ({ kind: 'full' }), context);

/** A step that trains an adapter on TensorFlow.js in wasm, beside our default engine. */
export async function trainStepTfjsWasm({ note }: Context): Promise<Figure[]> {
  const lesson = lessonOf(await readWorkload(), loraOf);
  const engines = await Promise.all(['tfjs-wasm', 'onnx'].map((prefer) => chooseEngine({ prefer, threads: THREADS })));
  try {
    const [wasm, onnx] = await Promise.all(engines.map((engine) => trainerSteps(engine, lesson)));
    return [await compared('train-step-tfjs-wasm', { ours: wasm!, peer: onnx! }, { turns: 5, each: 1, note })];
  } finally {
    await Promise.all(engines.map((engine) => engine.dispose()));
  }
}

/** The step of the shipped Dama. */
export const lessonOf = (work: Workload, trainableOf: (work: Workload) => Trainable): Lesson => ({ ...work, trainable: trainableOf(work), hyper: HYPER, batch: batchOfClips(work.music, work.clips) });

export const loraOf = ({ music }: Workload): Trainable => ({ kind: 'lora', lora: RUBY.lora, adapter: initialAdapter(music, RUBY.lora, new Random('bench')) });

async function besidePyTorch(name: string, trainableOf: (work: Workload) => Trainable, context: Context): Promise<Figure[]> {
  const lesson = lessonOf(await readWorkload(), trainableOf);
  const engine = await chooseEngine({ prefer: 'onnx', threads: THREADS });
  const peer = await PyTorchPeer.start({ ...context, threads: THREADS });
  try {
    const ours = await trainerSteps(engine, lesson);
    const theirs = peer && (await peerSteps(peer, await requestOf(lesson, context.folder)));
    return [await compared(name, { ours, peer: theirs }, { turns: 8, each: 5, note: context.note })];
  } finally {
    await peer?.stop();
    await engine.dispose();
  }
}

async function requestOf({ music, batch: material, hyper, trainable }: Lesson, folder: string): Promise<object> {
  const batch = join(folder, 'batch.safetensors');
  await writeBatch(batch, material);
  return { config: music, weights: WEIGHTS_FILE, batch, hyper, ...(await adapterFor(trainable, folder)) };
}

async function adapterFor(trainable: Trainable, folder: string): Promise<object> {
  if (trainable.kind === 'full' || trainable.adapter === undefined) return {};
  const adapter = join(folder, 'adapter.safetensors');
  await writeFile(adapter, encodeAdapter(trainable.adapter));
  return { lora: { adapter, scale: loraScale(trainable.lora) } };
}
