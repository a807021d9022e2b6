import type { Codes } from '../../music/clip.ts';
import type { Audio } from '../../music/codec.ts';
import { analysed } from './analysed.ts';
import { type Fingerprint, fingerprintOf } from './fingerprint.ts';
import { type Flaw, flawOf } from './flaw.ts';
import { nameOfKey } from './key-name.ts';
import { soundingKey } from './key.ts';
import { gainOf } from './level.ts';
import { segmentBegins } from './segments.ts';
import { samplesOf, type SoundCoder } from './sound-coder.ts';
import { tempoOf } from './tempo.ts';

/** Shorter songs, and ends of songs, are none. */
export const MIN_SECONDS = 1;

/** How songs are cut. The same rule cuts the same song the same. */
export type CutRule = {
  /** Of a segment, at most those of the coder's clips. */
  readonly frames: number;
  /** Of one song, at most. */
  readonly maxSegments: number;
  readonly seed: string;
};

/** What was measured of a song. */
export type Heard = { readonly fingerprint: Fingerprint; readonly bpm?: number; readonly key?: string };

/** A stretch of a song as codes: shape [numCodebooks, frames]. */
export type CodedSegment = { readonly beginSeconds: number; readonly frames: number; readonly codes: Codes };

/** The segments of a song, in its order, and how many were left out by why. */
export type CodedSong = { readonly segments: readonly CodedSegment[]; readonly flaws: Readonly<Record<Flaw, number>> };

/** What a song sounds like, its tempo and its key where they are clear. */
export function hear(song: Audio): Heard {
  const samples = analysed(song);
  const bpm = tempoOf(samples);
  const key = soundingKey(samples);
  return {
    fingerprint: fingerprintOf(samples, secondsOf(song)),
    ...(bpm !== undefined && { bpm }),
    ...(key !== undefined && { key: nameOfKey(key) }),
  };
}

/**
 * A song as codes: cut, without segments of silence and such as clip, all with the gain that brings the whole song to
 * one loudness.
 * @param song at the coder's sample rate, with its channels, a second or longer
 * @param digest of the song, which decides with the rule's seed where it is cut
 * @param coded told the seconds of each segment when it is done
 * @throws {InvalidInput} when the coder cannot code it
 */
export async function codeSong(song: Audio, { coder, rule, digest, signal, coded }: { readonly coder: SoundCoder; readonly rule: CutRule; readonly digest: string; readonly signal?: AbortSignal | undefined; readonly coded?: (seconds: number) => void }): Promise<CodedSong> {
  const segment = samplesOf(coder, rule.frames);
  const gain = gainOf(song);
  const flaws: Record<Flaw, number> = { silence: 0, clipping: 0, unplayable: 0 };
  const segments: CodedSegment[] = [];
  for (const begin of segmentBegins(song.channels[0]!.length, { segment, max: rule.maxSegments, seed: `${rule.seed}/${digest}` })) {
    signal?.throwIfAborted();
    const cut = song.channels.map((samples) => samples.subarray(begin, begin + segment));
    const flaw = flawOf({ ...song, channels: cut });
    if (flaw !== undefined) {
      flaws[flaw]++;
      continue;
    }
    const made = await coder.encode(cut.map((samples) => samples.map((sample) => gain * sample)));
    if ('flaw' in made) flaws[made.flaw]++;
    else segments.push({ beginSeconds: begin / song.sampleRate, ...made });
    coded?.(cut[0]!.length / song.sampleRate);
  }
  return { segments, flaws };
}

export const secondsOf = ({ channels, sampleRate }: Audio): number => (channels[0]?.length ?? 0) / sampleRate;
