import type { Codes } from '../../music/clip.ts';
import type { Codec } from '../../music/codec.ts';
import type { Flaw } from './flaw.ts';

/** What turns a stretch of sound into a clip's codes: a music model's codec, or what writes down the notes of a recording. */
export type SoundCoder = Pick<Codec, 'sampleRate' | 'channels' | 'frameRate' | 'numCodebooks' | 'vocabSize'> & {
  /** Frames of a clip. */
  readonly frames: number;
  /** Of all that its codes depend on, base64: the same sound under the same digest gives the same codes. */
  readonly digest: string;
  /** What the model is told a clip is: any text, or words of its own. */
  readonly captions: 'text' | 'words';
  /** As a codec's; or why there are none. */
  encode(channels: readonly Float32Array[]): Promise<{ readonly codes: Codes; readonly frames: number } | { readonly flaw: Flaw }>;
  /** Whether the model can be told so long a text; it can be told any without this. */
  fits?(caption: string): boolean;
};

/** Samples of so many of its frames. */
export const samplesOf = ({ sampleRate, frameRate }: Pick<SoundCoder, 'sampleRate' | 'frameRate'>, frames: number): number => Math.round((frames * sampleRate) / frameRate);
