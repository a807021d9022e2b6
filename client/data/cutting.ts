import type { CutOptions } from '../../genki/data/midi/cut.ts';
import { InvalidInput } from '../../genki/errors.ts';
import { CHANNELS } from '../../genki/music/apu/codes.ts';
import type { Competition } from '../../genki/protocol/competition.ts';

/**
 * Clips as a competition has them.
 * @throws {InvalidInput} when it is not one of the sound chip's
 */
export function cuttingOf({ music }: Competition, { clipsPerFile, seed }: { clipsPerFile: number; seed: string }): CutOptions {
  if (music.codebooks !== CHANNELS.length) throw new InvalidInput(`Expected a competition of the sound chip's ${CHANNELS.length} codebooks, got ${music.codebooks}`);
  return { frames: music.frames, frameRate: music.frameRate, maxClips: clipsPerFile, seed };
}
