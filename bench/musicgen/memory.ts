import { join } from 'node:path';
import * as z from 'zod';
import type { Context } from '../context.ts';
import { type Figure, figureOf } from '../figure.ts';
import { median } from '../in-turns.ts';
import { PyTorchPeer } from '../pytorch/pytorch-peer.ts';
import { peerSteps } from '../training-steps.ts';
import { THREADS } from '../workload.ts';
import { type Kind, peerLesson } from './learning.ts';
import { trainAlone } from './own-process.ts';
import { writeRandomModel } from './random-model.ts';
import { type SizeName, SIZES } from './sizes.ts';

const GB = 1e9;
const STEPS = 3;

type Row = { readonly size: SizeName; readonly kind: Kind; readonly checkpointing?: boolean };

const ROWS: readonly Row[] = [
  { size: 'nano', kind: 'lora' },
  { size: '100m', kind: 'lora' },
  { size: '100m', kind: 'lora', checkpointing: true },
  { size: '100m', kind: 'full' },
];

/** The most memory of a process that trains, ours and one of transformers and PEFT, with all that it loads. */
export async function musicgenMemory(context: Context): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const row of ROWS) figures.push(await memoryOf(row, context));
  return figures;
}

async function memoryOf({ size, kind, checkpointing = false }: Row, context: Context): Promise<Figure> {
  const folder = join(context.folder, size);
  const music = await writeRandomModel(folder, SIZES[size]);
  const { bytes } = await trainAlone({ folder, size, kind, checkpointing, positions: SIZES[size].positions, steps: STEPS });
  const peer = await PyTorchPeer.start({ ...context, threads: THREADS, script: 'musicgen-peer.py' });
  const theirs = peer && (await peakOf(peer, await peerLesson(folder, music, { size: SIZES[size], kind })).finally(() => peer.stop()));
  const name = ['musicgen-memory', size, kind, ...(checkpointing ? ['checkpointing'] : [])].join('-');
  return figureOf({ name, unit: 'GB', ours: bytes / GB, peer: theirs === undefined ? null : theirs / GB, peerName: peer?.name ?? 'PyTorch' });
}

async function peakOf(peer: PyTorchPeer, lesson: object): Promise<number> {
  await (await peerSteps(peer, lesson)).step(STEPS);
  return (await peer.ask({ kind: 'peak' }, z.strictObject({ bytes: z.int().positive() }))).bytes;
}

/** What a person's laptop can spare beside all else. */
const CLAIM_GB = 4;
/** Of musicgen-small: as in the other benchmarks, and 30 s of music. */
const LENGTHS = [{ name: '256', positions: 256, steps: 3 }, { name: 'window', positions: 1503, steps: 2 }] as const;

/** A LoRA step of a model of musicgen-small's size, a clip at a time, layer by layer: its memory beside the claim; its time is said. */
export async function musicgenSmall({ folder: parent, note }: Context): Promise<Figure[]> {
  const folder = join(parent, 'small');
  await writeRandomModel(folder, SIZES['small']);
  const figures: Figure[] = [];
  for (const { name, positions, steps } of LENGTHS) {
    const { ms, bytes } = await trainAlone({ folder, size: 'small', kind: 'lora', checkpointing: true, positions, steps });
    note(`musicgen-small-${name}: ${positions} positions, ${(median(ms.slice(1)) / 1000).toFixed(1)} s a step`);
    figures.push(figureOf({ name: `musicgen-small-${name}`, unit: 'GB', ours: bytes / GB, peer: CLAIM_GB, peerName: 'claim' }));
  }
  return figures;
}
