import { readFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { compose } from '../genki/data/composer.ts';
import { BASE_STYLES, PRIVATE_STYLES } from '../genki/data/styles/styles.ts';
import { type MusicConfig, readMusicConfig } from '../genki/music/config.ts';
import type { Clip } from '../genki/music/clip.ts';
import { decodeSafetensors, type TensorMap } from '../genki/protocol/safetensors.ts';

const DAMA = fileURLToPath(new URL('../dama/ruby-nano', import.meta.url));

/** Of the shipped Dama. */
export const WEIGHTS_FILE = join(DAMA, 'model.safetensors');

/** Every side takes all that the machine has. */
export const THREADS = availableParallelism();

/** The shipped Dama, and eight clips of 128 frames with their captions, one of each style. */
export type Workload = { readonly music: MusicConfig; readonly weights: TensorMap; readonly clips: readonly Clip[] };

export async function readWorkload(): Promise<Workload> {
  const music = readMusicConfig(JSON.parse(await readFile(join(DAMA, 'config.json'), 'utf8')));
  const weights = decodeSafetensors(await readFile(WEIGHTS_FILE)).tensors;
  const clips = [...BASE_STYLES, ...PRIVATE_STYLES].map((style) => compose({ style, seed: 'bench' }));
  return { music, weights, clips };
}
