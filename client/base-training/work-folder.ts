import { open, mkdir, readFile, rename } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import * as z from 'zod';

/** Held-out loss after some steps, nats per code by style. */
export type Measurement = { readonly step: number; readonly losses: Readonly<Record<string, number>> };
/** All that is known of a run beside its weights: the loss of every step, and the measurements. */
export type Progress = { readonly losses: number[]; readonly heldOut: Measurement[] };

const Progress = z.strictObject({
  losses: z.array(z.number()),
  heldOut: z.array(z.strictObject({ step: z.int(), losses: z.record(z.string(), z.number()) })),
});

/**
 * Where an interrupted training is kept.
 *
 * 1. Each file is complete or as it was before: it is written beside its place, flushed, and moved there.
 * 2. Progress is written before the checkpoint, so it knows at least all steps that the checkpoint has done; what it
 *    knows of later ones is forgotten on resuming, for they are done again.
 */
export class WorkFolder {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  async save(checkpoint: Uint8Array, progress: Progress): Promise<void> {
    await writeWhole(join(this.#folder, 'progress.json'), JSON.stringify(progress));
    await writeWhole(join(this.#folder, 'checkpoint.safetensors'), checkpoint);
  }

  /** The checkpoint of an earlier run and what is known of it; none when there was no run. */
  async load(): Promise<{ checkpoint: Uint8Array; progress: Progress } | undefined> {
    const checkpoint = await readIfThere(join(this.#folder, 'checkpoint.safetensors'));
    const progress = await readIfThere(join(this.#folder, 'progress.json'));
    if (checkpoint === undefined || progress === undefined) return undefined;
    return { checkpoint, progress: Progress.parse(JSON.parse(new TextDecoder().decode(progress))) };
  }
}

/** Forgets what lies behind a step. */
export const until = (step: number, { losses, heldOut }: Progress): Progress => ({ losses: losses.slice(0, step), heldOut: heldOut.filter((one) => one.step <= step) });

/** Writes a file so that its name never shows a part of it, even after the power failed. */
export async function writeWhole(path: string, content: Uint8Array | string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const part = `${path}.part`;
  const file = await open(part, 'w');
  try {
    await file.writeFile(content);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(part, path);
}

async function readIfThere(path: string): Promise<Uint8Array | undefined> {
  try {
    return await readFile(path);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}
