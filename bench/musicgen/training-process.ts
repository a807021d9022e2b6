/** A process of its own that trains a few steps, for whoever wants to know what memory that takes: prints one line of JSON. */
import { availableParallelism } from 'node:os';
import * as z from 'zod';
import { chooseEngine } from '../../genki/engine/choose-engine.ts';
import type { Engine } from '../../genki/engine/engine.ts';
import type { Batch } from '../../genki/music/batch.ts';
import { Trainer } from '../../genki/music/trainer.ts';
import { openLesson } from './learning.ts';
import { peakBytes } from './peak-memory.ts';
import { type SizeName, SIZES } from './sizes.ts';

const Asked = z.strictObject({
  folder: z.string(),
  size: z.enum(Object.keys(SIZES) as [SizeName]),
  kind: z.enum(['lora', 'full']),
  positions: z.int().positive(),
  steps: z.int().positive(),
  checkpointing: z.boolean(),
});

async function main(): Promise<void> {
  const asked = Asked.parse(JSON.parse(process.argv[2] ?? ''));
  const engine = await chooseEngine({ prefer: 'onnx', threads: availableParallelism() });
  const { trainer, batch } = await open(engine, asked);
  const [losses, ms]: [number[], number[]] = [[], []];
  for (let i = 0; i < asked.steps; i++) {
    const started = performance.now();
    losses.push(await trainer.stepOn(batch));
    ms.push(performance.now() - started);
  }
  console.log(JSON.stringify({ losses, ms, bytes: await peakBytes() }));
  await engine.dispose();
}

/** What it opens stays here, so that nothing holds the model's weights but the trainer. */
async function open(engine: Engine, { folder, size, kind, positions, checkpointing }: z.infer<typeof Asked>): Promise<{ trainer: Trainer; batch: Batch }> {
  const { music, weights, trainable, hyper, batch } = await openLesson(folder, { ...SIZES[size], positions }, kind);
  return { trainer: await Trainer.create(engine, music, weights, trainable, { ...hyper, checkpointing }, 'bench'), batch };
}

await main();
