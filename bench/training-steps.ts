import * as z from 'zod';
import type { Engine } from '../genki/engine/engine.ts';
import type { Batch } from '../genki/music/batch.ts';
import type { LanguageConfig } from '../genki/music/config.ts';
import { type Hyper, type Trainable, Trainer } from '../genki/music/trainer.ts';
import type { TensorMap } from '../genki/protocol/safetensors.ts';
import { type Figure, figureOf } from './figure.ts';
import { inTurns, type Side, timed, type Turns } from './in-turns.ts';
import type { PyTorchPeer } from './pytorch/pytorch-peer.ts';

/** Steps of one trainer, the same for every side. */
export type Steps = { readonly name: string; step: Side; warmUp(): Promise<readonly number[]> };

/** Nats per code: as close as float32 sums in another order come. */
const SAME_LOSS = 1e-4;
/** Steps in which the losses have to agree, and after which everything is warm. */
const WARM_UP = 4;

/** @throws {Error} when the two sides do not learn the same */
export async function compared(name: string, { ours, peer }: { ours: Steps; peer: Steps | undefined }, turns: Turns): Promise<Figure> {
  const losses = await ours.warmUp();
  const others = await peer?.warmUp();
  const differs = others?.findIndex((loss, i) => !(Math.abs(loss - losses[i]!) <= SAME_LOSS)) ?? -1;
  if (differs !== -1) throw new Error(`${name}: expected ${peer!.name} to have the loss ${losses[differs]} in step ${differs + 1}, got ${others![differs]}`);
  const medians = await inTurns({ ours: ours.step, peer: peer?.step }, turns);
  return figureOf({ name, unit: 'ms', ...medians, peerName: peer?.name ?? 'PyTorch' });
}

/** What our side trains. */
export type Lesson = { readonly music: LanguageConfig; readonly weights: TensorMap; readonly trainable: Trainable; readonly hyper: Hyper; readonly batch: Batch };

export async function trainerSteps(engine: Engine, { music, weights, trainable, hyper, batch }: Lesson): Promise<Steps> {
  const trainer = await Trainer.create(engine, music, weights, trainable, hyper, 'bench');
  return {
    name: `our ${engine.name} engine`,
    step: (times) => timed(times, () => trainer.stepOn(batch)),
    warmUp: async () => {
      const losses: number[] = [];
      for (let i = 0; i < WARM_UP; i++) losses.push(await trainer.stepOn(batch));
      return losses;
    },
  };
}

const Stepped = z.strictObject({ losses: z.array(z.number()), ms: z.array(z.number()) });

/** @param request what the peer's script trains */
export async function peerSteps(peer: PyTorchPeer, request: object): Promise<Steps> {
  await peer.ask({ kind: 'train', ...request }, z.strictObject({}));
  return {
    name: peer.name,
    step: async (times) => (await peer.ask({ kind: 'step', times }, Stepped)).ms,
    warmUp: async () => (await peer.ask({ kind: 'step', times: WARM_UP }, Stepped)).losses,
  };
}
