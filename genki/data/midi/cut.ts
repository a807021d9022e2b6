import { CHANNELS, HOLD, REST } from '../../music/apu/codes.ts';
import { Random } from '../../protocol/random.ts';
import type { TempoMap } from './tempo-map.ts';

/** A piece of a song: shape [4, frames]. */
export type Cut = { readonly from: number; readonly codes: Uint8Array };

export type CutOptions = { readonly frames: number; readonly frameRate: number; /** of one song, at most */ readonly maxClips: number; readonly seed: string };

/**
 * Where clips of a song begin, in frames: at its first bar that is not silent, then each at the last bar line that
 * leaves no gap behind the one before, so that every bar is whole in some clip; the last one no later than it needs to
 * be to reach the end. Of more than `maxClips` so many are drawn by the seed, and stay in order.
 */
export function clipStarts(song: { readonly codes: Uint8Array; readonly frames: number; readonly tempo: TempoMap }, { frames, frameRate, maxClips, seed }: CutOptions): number[] {
  // a bar line belongs to the frame that it lies next to
  const barBefore = (frame: number): number => Math.round(song.tempo.barLineBefore((frame + 0.5) / frameRate) * frameRate);
  const barAfter = (frame: number): number => Math.round(song.tempo.barLineAfter((frame - 0.5) / frameRate) * frameRate);
  const starts = [barBefore(firstOnset(song.codes, song.frames))];
  for (let start = starts[0]!; start + frames < song.frames; starts.push(start)) {
    const line = barBefore(start + frames);
    // a bar longer than a clip is cut where the clip ends
    const next = line > start ? line : start + frames;
    const latest = barAfter(song.frames - frames);
    start = latest > start && latest < next ? latest : next;
  }
  if (starts.length <= maxClips) return starts;
  return new Random(`cut/${seed}`).shuffle(starts).slice(0, maxClips).sort((a, b) => a - b);
}

/** The codes of `frames` frames from a place on; beyond the song's end it rests, and so does what began before the place. */
export function cutAt(song: { readonly codes: Uint8Array; readonly frames: number }, from: number, frames: number): Cut {
  const codes = new Uint8Array(CHANNELS.length * frames).fill(REST);
  for (let c = 0; c < CHANNELS.length; c++) {
    const row = song.codes.subarray(c * song.frames + from, c * song.frames + Math.min(from + frames, song.frames));
    codes.set(row, c * frames);
    for (let t = c * frames; t < (c + 1) * frames && codes[t] === HOLD; t++) codes[t] = REST;
  }
  return { from, codes };
}

export const isSilent = (codes: Uint8Array): boolean => codes.every((code) => code === REST || code === HOLD);

/** The first frame in which a note begins; 0 when there is none. */
function firstOnset(codes: Uint8Array, frames: number): number {
  const onsets = CHANNELS.map((_, c) => codes.subarray(c * frames, (c + 1) * frames).findIndex((code) => code > HOLD)).filter((at) => at >= 0);
  return onsets.length === 0 ? 0 : Math.min(...onsets);
}
