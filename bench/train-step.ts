import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import { chooseEngine } from '../genki/engine/choose-engine.ts';
import type { Engine } from '../genki/engine/engine.ts';
import { initialAdapter } from '../genki/music/adapted-net.ts';
import { type Batch, batchOfClips } from '../genki/music/batch.ts';
import { encodeAdapter, loraScale } from '../genki/music/lora.ts';
import { type Hyper, type Trainable, Trainer } from '../genki/music/trainer.ts';
import { Random } from '../genki/protocol/random.ts';
import { RUBY } from '../genki/protocol/ruby.ts';
import type { Context } from './context.ts';
import { type Figure, figureOf } from './figure.ts';
import { inTurns, type Side, timed, type Turns } from './in-turns.ts';
import { PyTorchPeer } from './pytorch/pytorch-peer.ts';
import { writeBatch } from './pytorch/files.ts';
import { readWorkload, THREADS, WEIGHTS_FILE, type Workload } from './workload.ts';

/** Every step on the same batch, text included, at a rate that never changes: what the peers can do alike. */
const HYPER: Hyper = { ...RUBY.training.hyper, learningRate: 1e-3, weightDecay: 0.01, schedule: 'constant', guidanceDropout: 0 };
/** Nats per code: as close as float32 sums in another order come. */
const SAME_LOSS = 1e-4;
/** Steps in which the losses have to agree, and after which everything is warm. */
const WARM_UP = 4;

/** Steps of one trainer, the same for every side. */
type Steps = { readonly name: string; step: Side; warmUp(): Promise<readonly number[]> };

/** A step that trains an adapter, beside PyTorch. */
export const trainStepLora = (context: Context): Promise<Figure[]> => besidePyTorch('train-step-lora', loraOf, context);

/** A step that trains all weights, beside PyTorch. */
export const trainStep = (context: Context): Promise<Figure[]> => besidePyTorch('train-step', () => ({ kind: 'full' }), context);

/** A step that trains an adapter on TensorFlow.js in wasm, beside our default engine. */
export async function trainStepTfjsWasm({ note }: Context): Promise<Figure[]> {
  const work = await readWorkload();
  const engines = await Promise.all(['tfjs-wasm', 'onnx'].map((prefer) => chooseEngine({ prefer, threads: THREADS })));
  try {
    const [wasm, onnx] = await Promise.all(engines.map((engine) => ourSteps(engine, work, loraOf(work))));
    return [await compared('train-step-tfjs-wasm', { ours: wasm!, peer: onnx! }, { turns: 5, each: 1, note })];
  } finally {
    await Promise.all(engines.map((engine) => engine.dispose()));
  }
}

const loraOf = ({ music }: Workload): Trainable => ({ kind: 'lora', lora: RUBY.lora, adapter: initialAdapter(music, RUBY.lora, new Random('bench')) });

async function besidePyTorch(name: string, trainableOf: (work: Workload) => Trainable, context: Context): Promise<Figure[]> {
  const work = await readWorkload();
  const trainable = trainableOf(work);
  const engine = await chooseEngine({ prefer: 'onnx', threads: THREADS });
  const peer = await PyTorchPeer.start({ ...context, threads: THREADS });
  try {
    const ours = await ourSteps(engine, work, trainable);
    const theirs = peer && (await pytorchSteps(peer, work, { trainable, folder: context.folder }));
    return [await compared(name, { ours, peer: theirs }, { turns: 8, each: 5, note: context.note })];
  } finally {
    await peer?.stop();
    await engine.dispose();
  }
}

/** @throws {Error} when the two sides do not learn the same */
async function compared(name: string, { ours, peer }: { ours: Steps; peer: Steps | undefined }, turns: Turns): Promise<Figure> {
  const losses = await ours.warmUp();
  const others = await peer?.warmUp();
  const differs = others?.findIndex((loss, i) => !(Math.abs(loss - losses[i]!) <= SAME_LOSS)) ?? -1;
  if (differs !== -1) throw new Error(`${name}: expected ${peer!.name} to have the loss ${losses[differs]} in step ${differs + 1}, got ${others![differs]}`);
  const medians = await inTurns({ ours: ours.step, peer: peer?.step }, turns);
  return figureOf({ name, unit: 'ms', ...medians, peerName: peer?.name ?? 'PyTorch' });
}

async function ourSteps(engine: Engine, { music, weights, clips }: Workload, trainable: Trainable): Promise<Steps> {
  const trainer = await Trainer.create(engine, music, weights, trainable, HYPER, 'bench');
  const batch = batchOfClips(music, clips);
  return {
    name: `our ${engine.name} engine`,
    step: (times) => timed(times, () => trainer.stepOn(batch)),
    warmUp: () => lossesOf(trainer, batch),
  };
}

async function lossesOf(trainer: Trainer, batch: Batch): Promise<number[]> {
  const losses: number[] = [];
  for (let i = 0; i < WARM_UP; i++) losses.push(await trainer.stepOn(batch));
  return losses;
}

async function pytorchSteps(peer: PyTorchPeer, { music, clips }: Workload, { trainable, folder }: { trainable: Trainable; folder: string }): Promise<Steps> {
  const batch = join(folder, 'batch.safetensors');
  await writeBatch(batch, batchOfClips(music, clips));
  const request = { kind: 'train', config: music, weights: WEIGHTS_FILE, batch, hyper: HYPER, ...(await adapterFor(trainable, folder)) };
  await peer.ask(request, z.strictObject({}));
  const Steps = z.strictObject({ losses: z.array(z.number()), ms: z.array(z.number()) });
  return {
    name: peer.name,
    step: async (times) => (await peer.ask({ kind: 'step', times }, Steps)).ms,
    warmUp: async () => (await peer.ask({ kind: 'step', times: WARM_UP }, Steps)).losses,
  };
}

async function adapterFor(trainable: Trainable, folder: string): Promise<object> {
  if (trainable.kind === 'full' || trainable.adapter === undefined) return {};
  const adapter = join(folder, 'adapter.safetensors');
  await writeFile(adapter, encodeAdapter(trainable.adapter));
  return { lora: { adapter, scale: loraScale(trainable.lora) } };
}
