import { InvalidInput } from '../genki/errors.ts';
import { renderCodes, SAMPLE_RATE } from '../genki/music/apu/synthesizer.ts';
import { technicalGate } from '../genki/music/apu/technical-gate.ts';
import type { Codes } from '../genki/music/clip.ts';
import { encodeWav } from '../genki/music/wav.ts';
import { decodeSafetensors } from '../genki/protocol/safetensors.ts';
import type { ObjectRef, ObjectStore } from '../genki/store/object-store.ts';

export type Listened = {
  /** WAV files, one a prompt. */
  readonly clips: readonly ObjectRef[];
  /** Why these clips cannot be music, in words; absent when they may be. */
  readonly fault?: string;
};

export type ListenActivities = ReturnType<typeof createListenActivities>;

const MAX_CODES_BYTES = 64 * 2 ** 20;

export const createListenActivities = ({ store }: { store: ObjectStore }) => ({
  /** Renders generated codes to audio, keeps it, and passes it through the technical gate. */
  async listen({ codes: ref, bucket, prefix, frameRate }: { codes: ObjectRef; bucket: string; prefix: string; frameRate: number }): Promise<Listened> {
    const codes = split(await store.get(ref, { maxBytes: MAX_CODES_BYTES }));
    const audio = codes.map((clip) => renderCodes(clip, { frameRate }));
    const clips = [];
    for (const [i, samples] of audio.entries()) clips.push(await store.putOnce(bucket, `${prefix}/${i}.wav`, encodeWav(samples, SAMPLE_RATE)));
    const gate = technicalGate(audio, codes);
    return { clips, ...(gate.ok ? {} : { fault: gate.reason }) };
  },
});

/** The clips of a file that the generator wrote. */
function split(file: Uint8Array): Codes[] {
  const { dtype, shape = [], data } = decodeSafetensors(file).tensors.get('codes') ?? {};
  // a length of 0 would let the others be anything
  if (!(data instanceof Uint8Array || data instanceof Uint16Array) || (dtype !== 'U8' && dtype !== 'U16') || shape.length !== 3 || data.length === 0) {
    throw new InvalidInput(`Expected codes U8 or U16 [clips, codebooks, frames], got ${dtype} [${shape.join(', ')}]`);
  }
  const [clips = 0, codebooks = 0, frames = 0] = shape;
  return Array.from({ length: clips }, (_, i) => data.slice(i * codebooks * frames, (i + 1) * codebooks * frames));
}
