import type { Codes } from '../../music/clip.ts';
import type { Codec } from '../../music/codec.ts';

/** What turns a stretch of sound into a clip's codes: a music model's codec, or what writes down the notes of a recording. */
export type SoundCoder = Pick<Codec, 'sampleRate' | 'channels' | 'frameRate' | 'numCodebooks' | 'vocabSize' | 'encode'> & {
  /** Frames of a clip. */
  readonly frames: number;
  /** Of all that its codes depend on, base64: the same sound under the same digest gives the same codes. */
  readonly digest: string;
  /** What the model is told a clip is: any text, or words of its own. */
  readonly captions: 'text' | 'words';
  /** Whether nothing sounds in codes. */
  isEmpty?(codes: Codes): boolean;
};

/** Samples of so many of its frames. */
export const samplesOf = ({ sampleRate, frameRate }: Pick<SoundCoder, 'sampleRate' | 'frameRate'>, frames: number): number => Math.round((frames * sampleRate) / frameRate);
