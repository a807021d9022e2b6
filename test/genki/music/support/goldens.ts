import { readFileSync } from 'node:fs';
import { expect } from 'vitest';
import type { LanguageConfig } from '../../../../genki/music/config.ts';
import type { TextBatch } from '../../../../genki/music/text.ts';

const FOLDER = new URL('../../../goldens/', import.meta.url);

export type Golden = { readonly shape: readonly number[]; readonly data: Float32Array | Int32Array };

export const goldenBytes = (path: string): Uint8Array => new Uint8Array(readFileSync(new URL(path, FOLDER)));
export const goldenJson = (path: string): unknown => JSON.parse(readFileSync(new URL(path, FOLDER), 'utf8'));

/** PyTorch's files hold 64-bit integers, which no file of the protocol may: read here, as int32. */
export function goldens(path: string): ReadonlyMap<string, Golden> {
  const bytes = goldenBytes(path);
  const view = new DataView(bytes.buffer);
  const headerBytes = Number(view.getBigUint64(0, true));
  const header = JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + headerBytes))) as Record<string, { dtype: 'F32' | 'I64'; shape: number[]; data_offsets: [number, number] }>;
  delete header['__metadata__'];
  return new Map(Object.entries(header).map(([name, { dtype, shape, data_offsets }]) => {
    const [begin, end] = data_offsets.map((at) => at + 8 + headerBytes) as [number, number];
    const own = bytes.slice(begin, end).buffer;
    return [name, { shape, data: dtype === 'F32' ? new Float32Array(own) : Int32Array.from(new BigInt64Array(own), Number) }];
  }));
}

export function golden(from: ReadonlyMap<string, Golden>, name: string): Golden {
  const tensor = from.get(name);
  if (tensor === undefined) throw new Error(`No golden ${name}`);
  return tensor;
}

/** The tiny MusicGen of `make_goldens.py`: its decoder, told an encoder's states. */
export const TINY: LanguageConfig = {
  decoder: { vocabSize: 64, hiddenSize: 32, numLayers: 2, numHeads: 4, ffnDim: 64, numCodebooks: 4, maxPositions: 64 },
  text: { kind: 'states', hiddenSize: 24 },
};

/** What its T5 made of the two padded prompts that all goldens share. */
export function tinyText(): TextBatch {
  const forward = goldens('forward.safetensors');
  const states = golden(forward, 'encoder_last_hidden_state').data as Float32Array;
  return { rows: 2, length: 6, mask: Float32Array.from(golden(forward, 'attention_mask').data), content: { kind: 'states', states } };
}

/** Every element within `tolerance` of the expected one, relative to the largest expected one. */
export function expectClose(actual: ArrayLike<number>, expected: ArrayLike<number>, tolerance: number, what = 'values'): void {
  expect(actual.length, `number of ${what}`).toBe(expected.length);
  let largest = 0;
  let worst = 0;
  let at = 0;
  for (let i = 0; i < expected.length; i++) {
    largest = Math.max(largest, Math.abs(expected[i]!));
    const off = Math.abs(actual[i]! - expected[i]!);
    if (Number.isNaN(off)) expect.fail(`${what}: got ${actual[i]} for ${expected[i]} at ${i}`);
    if (off > worst) [worst, at] = [off, i];
  }
  expect(worst / largest, `${what}: got ${actual[at]} for ${expected[at]} at ${at}`).toBeLessThanOrEqual(tolerance);
}
