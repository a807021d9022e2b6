import { join } from 'node:path';
import * as z from 'zod';
import { chooseEngine } from '../../genki/engine/choose-engine.ts';
import type { LanguageConfig } from '../../genki/music/config.ts';
import { Generator } from '../../genki/music/generator.ts';
import { languageWeights, openModel } from '../../genki/music/open-model.ts';
import { checkSameCodes, type Composer, ourComposer, peerComposer } from '../composers.ts';
import type { Context } from '../context.ts';
import { type Figure, figureOf } from '../figure.ts';
import { inTurns, type Turns } from '../in-turns.ts';
import { writeText } from '../pytorch/files.ts';
import { PyTorchPeer } from '../pytorch/pytorch-peer.ts';
import { THREADS } from '../workload.ts';
import { randomText } from './material.ts';
import { writeRandomModel } from './random-model.ts';
import { type Size, SIZES } from './sizes.ts';

/** As MusicGen's makers compose. */
const COMPOSITION = { guidance: 3, topK: 250 } as const;
const CLIPS = [1, 4] as const;

/** Time for one frame of a clip and of four, sampling included, without the codec, beside transformers. */
export async function musicgenGenerate(context: Context): Promise<Figure[]> {
  return [...(await composing(SIZES['nano'], context)), ...(await composing(SIZES['100m'], context))];
}

async function composing(size: Size, context: Context): Promise<Figure[]> {
  const folder = join(context.folder, size.name);
  await writeRandomModel(folder, size);
  const engine = await chooseEngine({ prefer: 'onnx', threads: THREADS });
  const peer = await PyTorchPeer.start({ ...context, threads: THREADS, script: 'musicgen-peer.py' });
  const model = await openModel(folder);
  try {
    const generator = await Generator.create(engine, model.music, await languageWeights(model));
    await peer?.ask({ kind: 'generation', model: folder }, z.strictObject({}));
    const figures: Figure[] = [];
    for (const clips of CLIPS) {
      const ours = composerOf(generator, model.music, { size, clips });
      const theirs = peer && (await peerOf(peer, model.music, { size, clips, folder }));
      figures.push(await compared(`musicgen-generate-${size.name}-${clips}`, { ours, peer: theirs }, { size, turns: { turns: 5, each: 1, note: context.note } }));
    }
    return figures;
  } finally {
    await model.close();
    await peer?.stop();
    await engine.dispose();
  }
}

async function compared(name: string, { ours, peer }: { ours: Composer; peer: Composer | undefined }, { size, turns }: { size: Size; turns: Turns }): Promise<Figure> {
  await checkSameCodes(name, ours, peer);
  const medians = await inTurns({ ours: ours.compose, peer: peer?.compose }, turns);
  const perFrame = { ours: medians.ours / size.frames, peer: medians.peer === null ? null : medians.peer / size.frames };
  return figureOf({ name, unit: 'ms/frame', ...perFrame, peerName: peer?.name ?? 'PyTorch' });
}

function composerOf(generator: Generator, music: LanguageConfig, { size, clips }: { size: Size; clips: number }): Composer {
  const text = randomText(music, clips);
  return ourComposer((sampling) => generator.generateFrom(text, { ...COMPOSITION, ...sampling, frames: size.frames, seed: 'bench' }));
}

async function peerOf(peer: PyTorchPeer, music: LanguageConfig, { size, clips, folder }: { size: Size; clips: number; folder: string }): Promise<Composer> {
  const text = join(folder, 'text.safetensors');
  await writeText(text, randomText(music, clips));
  await peer.ask({ kind: 'tell', text }, z.strictObject({}));
  const { guidance, topK } = COMPOSITION;
  const plain = { frames: size.frames, guidance };
  return peerComposer(peer, { compose: { ...plain, topK }, likeliest: plain });
}
