import { join } from 'node:path';
import * as z from 'zod';
import { chooseEngine } from '../genki/engine/choose-engine.ts';
import { Generator } from '../genki/music/generator.ts';
import { wordsOf } from '../genki/music/text.ts';
import type { Context } from './context.ts';
import { type Figure, figureOf } from './figure.ts';
import { inTurns, type Side, timed } from './in-turns.ts';
import { PyTorchPeer } from './pytorch/pytorch-peer.ts';
import { writeText } from './pytorch/files.ts';
import { readWorkload, THREADS, WEIGHTS_FILE, type Workload } from './workload.ts';

/** As the embedded network's validators compose: no guidance, any of the 64 codes. */
const COMPOSITION = { guidance: 1, temperature: 1, topK: 64 } as const;
/** Of the likeliest codes; one that is a tie but for the last bits may fall either way, and what follows it. */
const SAME_CODES = 0.9;

type Composer = { readonly name: string; compose: Side; likeliest(): Promise<readonly number[]> };

/** Time for one frame of eight clips, sampling included, beside PyTorch. */
export async function generate(context: Context): Promise<Figure[]> {
  const work = await readWorkload();
  const { frames } = work.music.codec;
  const engine = await chooseEngine({ prefer: 'onnx', threads: THREADS });
  const peer = await PyTorchPeer.start({ ...context, threads: THREADS });
  try {
    const ours = ourComposer(await Generator.create(engine, work.music, work.weights), work);
    const theirs = peer && (await pytorchComposer(peer, work, context.folder));
    await checkSameCodes(ours, theirs);
    const medians = await inTurns({ ours: ours.compose, peer: theirs?.compose }, { turns: 5, each: 1, note: context.note });
    const perFrame = { ours: medians.ours / frames, peer: medians.peer === null ? null : medians.peer / frames };
    return [figureOf({ name: 'generate', unit: 'ms/frame', ...perFrame, peerName: peer?.name ?? 'PyTorch' })];
  } finally {
    await peer?.stop();
    await engine.dispose();
  }
}

/** @throws {Error} when they do not compose the same where nothing is left to chance */
async function checkSameCodes(ours: Composer, peer: Composer | undefined): Promise<void> {
  const codes = await ours.likeliest();
  const others = await peer?.likeliest();
  if (others === undefined) return;
  const same = codes.filter((code, i) => code === others[i]).length / codes.length;
  if (others.length !== codes.length || !(same >= SAME_CODES)) throw new Error(`generate: expected ${peer!.name} to compose the same codes, got ${(100 * same).toFixed(1)} % of them`);
}

function ourComposer(generator: Generator, { music, clips }: Workload): Composer {
  const request = { ...COMPOSITION, prompts: clips.map(({ caption }) => caption), frames: music.codec.frames, seed: 'bench' };
  return {
    name: 'onnx',
    compose: (times) => timed(times, () => generator.generate(request)),
    likeliest: async () => (await generator.generate({ ...request, temperature: 0 })).flatMap((codes) => [...codes]),
  };
}

async function pytorchComposer(peer: PyTorchPeer, { music, clips }: Workload, folder: string): Promise<Composer> {
  const text = join(folder, 'text.safetensors');
  await writeText(text, wordsOf(music.text, clips.map(({ caption }) => caption)));
  await peer.ask({ kind: 'generation', config: music, weights: WEIGHTS_FILE, text, frames: music.codec.frames }, z.strictObject({}));
  const Composed = z.strictObject({ codes: z.array(z.number()), ms: z.array(z.number()) });
  return {
    name: peer.name,
    compose: async (times) => (await peer.ask({ kind: 'compose', times, temperature: COMPOSITION.temperature }, Composed)).ms,
    likeliest: async () => (await peer.ask({ kind: 'compose', times: 1, temperature: 0 }, Composed)).codes,
  };
}
