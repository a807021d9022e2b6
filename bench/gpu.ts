import { join } from 'node:path';
import { chooseEngine } from '../genki/engine/choose-engine.ts';
import type { Engine } from '../genki/engine/engine.ts';
import { EngineError } from '../genki/errors.ts';
import { nativeFolder } from '../workers/engine.ts';
import type { Context } from './context.ts';
import type { Figure } from './figure.ts';
import { openLesson } from './musicgen/learning.ts';
import { writeRandomModel } from './musicgen/random-model.ts';
import { SIZES } from './musicgen/sizes.ts';
import { lessonOf, loraOf } from './train-step.ts';
import { compared, type Lesson, trainerSteps } from './training-steps.ts';
import { readWorkload, THREADS } from './workload.ts';

/** A LoRA step of the shipped Dama and of a MusicGen on the GPU, beside our onnx engine on the CPU. There is nothing to measure without one. */
export async function gpu({ folder: parent, note }: Context): Promise<Figure[]> {
  const gpuEngine = await openGpu(note);
  if (gpuEngine === undefined) return [];
  const cpuEngine = await chooseEngine({ prefer: 'onnx', threads: THREADS });
  const engines = { gpu: gpuEngine, cpu: cpuEngine };
  note(`${gpuEngine.build}; beside ${cpuEngine.build}`);
  try {
    const folder = join(parent, '100m');
    await writeRandomModel(folder, SIZES['100m']);
    return [
      await step('gpu-train-lora-ruby-nano', engines, { lesson: lessonOf(await readWorkload(), loraOf), note }),
      await step('gpu-train-lora-100m', engines, { lesson: await openLesson(folder, SIZES['100m'], 'lora'), note }),
    ];
  } finally {
    await gpuEngine.dispose();
    await cpuEngine.dispose();
  }
}

async function step(name: string, engines: { readonly gpu: Engine; readonly cpu: Engine }, { lesson, note }: { lesson: Lesson; note: Context['note'] }): Promise<Figure> {
  const [ours, peer] = [await trainerSteps(engines.gpu, lesson), await trainerSteps(engines.cpu, lesson)];
  return compared(name, { ours, peer }, { turns: 6, each: 2, note });
}

async function openGpu(note: Context['note']): Promise<Engine | undefined> {
  try {
    return await chooseEngine({ prefer: 'tfjs-node-gpu', threads: THREADS, native: nativeFolder(process.env) });
  } catch (error) {
    if (!(error instanceof EngineError)) throw error;
    note(`No GPU engine here (${error.message}). On a machine with an NVIDIA GPU: npm run native -- --gpu`);
    return undefined;
  }
}
