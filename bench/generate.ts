import { join } from 'node:path';
import * as z from 'zod';
import { chooseEngine } from '../genki/engine/choose-engine.ts';
import { Generator } from '../genki/music/generator.ts';
import { wordsOf } from '../genki/music/text.ts';
import { checkSameCodes, type Composer, ourComposer, peerComposer } from './composers.ts';
import type { Context } from './context.ts';
import { type Figure, figureOf } from './figure.ts';
import { inTurns } from './in-turns.ts';
import { PyTorchPeer } from './pytorch/pytorch-peer.ts';
import { writeText } from './pytorch/files.ts';
import { readWorkload, THREADS, WEIGHTS_FILE, type Workload } from './workload.ts';

/** As the embedded network's validators compose: no guidance, any of the 64 codes. */
const COMPOSITION = { guidance: 1, topK: 64 } as const;

/** Time for one frame of eight clips, sampling included, beside PyTorch. */
export async function generate(context: Context): Promise<Figure[]> {
  const work = await readWorkload();
  const { frames } = work.music.codec;
  const engine = await chooseEngine({ prefer: 'onnx', threads: THREADS });
  const peer = await PyTorchPeer.start({ ...context, threads: THREADS });
  try {
    const generator = await Generator.create(engine, work.music, work.weights);
    const prompts = work.clips.map(({ caption }) => caption);
    const ours = ourComposer((sampling) => generator.generate({ ...COMPOSITION, ...sampling, prompts, frames, seed: 'bench' }));
    const theirs = peer && (await pytorchComposer(peer, work, context.folder));
    await checkSameCodes('generate', ours, theirs);
    const medians = await inTurns({ ours: ours.compose, peer: theirs?.compose }, { turns: 5, each: 1, note: context.note });
    const perFrame = { ours: medians.ours / frames, peer: medians.peer === null ? null : medians.peer / frames };
    return [figureOf({ name: 'generate', unit: 'ms/frame', ...perFrame, peerName: peer?.name ?? 'PyTorch' })];
  } finally {
    await peer?.stop();
    await engine.dispose();
  }
}

async function pytorchComposer(peer: PyTorchPeer, { music, clips }: Workload, folder: string): Promise<Composer> {
  const text = join(folder, 'text.safetensors');
  await writeText(text, wordsOf(music.text, clips.map(({ caption }) => caption)));
  await peer.ask({ kind: 'generation', config: music, weights: WEIGHTS_FILE, text, frames: music.codec.frames }, z.strictObject({}));
  return peerComposer(peer, { compose: { temperature: 1 }, likeliest: { temperature: 0 } });
}
