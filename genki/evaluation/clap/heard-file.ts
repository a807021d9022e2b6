import { InvalidInput } from '../../errors.ts';
import { decodeSafetensors, encodeSafetensors, type HostTensor } from '../../protocol/safetensors.ts';
import type { Heard } from './embedder.ts';

const CLIPS = 'clips';
const windowsOf = (clip: number): string => `windows.${clip}`;

/** What an embedder heard, as a safetensors file: `clips` F32 [clips, dimensions] and, for each, `windows.<clip>` F32 [windows, dimensions]. */
export function encodeHeard(heard: readonly Heard[]): Uint8Array {
  const windows = heard.map(({ windows: own }, i): [string, HostTensor] => [windowsOf(i), stacked(own)]);
  return encodeSafetensors(new Map([[CLIPS, stacked(heard.map(({ clip }) => clip))], ...windows]));
}

/** @throws {InvalidInput} when the file holds something else; {BadSubmission} when it is no safetensors file */
export function decodeHeard(bytes: Uint8Array): Heard[] {
  const { tensors } = decodeSafetensors(bytes);
  return rows(tensors.get(CLIPS), CLIPS).map((clip, i) => ({ clip, windows: rows(tensors.get(windowsOf(i)), windowsOf(i), clip.length) }));
}

function stacked(vectors: readonly Float32Array[]): HostTensor {
  const width = vectors[0]?.length ?? 0;
  const data = new Float32Array(vectors.length * width);
  vectors.forEach((vector, i) => {
    if (vector.length !== width) throw new InvalidInput(`Expected embeddings of ${width} numbers, got ${vector.length}`);
    data.set(vector, i * width);
  });
  return { dtype: 'F32', shape: [vectors.length, width], data };
}

function rows(tensor: HostTensor | undefined, name: string, width?: number): Float32Array[] {
  const [count = 0, wide = 0] = tensor?.shape ?? [];
  const isMatrix = tensor?.shape.length === 2 && tensor.data instanceof Float32Array && count > 0 && wide > 0 && wide === (width ?? wide);
  if (!isMatrix) throw new InvalidInput(`Expected embeddings ${name} F32 [n, ${width ?? 'd'}], got ${tensor ? `${tensor.dtype} [${tensor.shape.join(', ')}]` : 'none'}`);
  const data = tensor.data as Float32Array;
  return Array.from({ length: count }, (_, i) => data.slice(i * wide, (i + 1) * wide));
}
