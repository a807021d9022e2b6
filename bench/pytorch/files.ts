import { writeFile } from 'node:fs/promises';
import { InvalidInput } from '../../genki/errors.ts';
import { type Batch, IGNORED } from '../../genki/music/batch.ts';
import type { TextBatch } from '../../genki/music/text.ts';
import { encodeSafetensors, type HostTensor } from '../../genki/protocol/safetensors.ts';

/** Writes what `peer.py` trains on: `ids` [K, B, T], `labels` [B, T, K] with PyTorch's mark where nothing is asked, the text. */
export async function writeBatch(file: string, { ids, labels, weights, rows, positions, text }: Batch): Promise<void> {
  const codes = new Int32Array(ids.length * rows * positions);
  ids.forEach((own, k) => codes.set(own, k * rows * positions));
  const asked = labels.map((label, i) => (weights[i] === 0 ? IGNORED : label));
  const tensors: [string, HostTensor][] = [
    ['ids', { dtype: 'I32', shape: [ids.length, rows, positions], data: codes }],
    ['labels', { dtype: 'I32', shape: [rows, positions, ids.length], data: asked }],
    ...textTensors(text),
  ];
  await writeFile(file, encodeSafetensors(new Map(tensors)));
}

/** Writes what `peer.py` composes to: `words` and `mask` [B, S]. */
export const writeText = (file: string, text: TextBatch): Promise<void> => writeFile(file, encodeSafetensors(new Map(textTensors(text))));

function textTensors({ rows, length, mask, content }: TextBatch): [string, HostTensor][] {
  if (content.kind !== 'words') throw new InvalidInput(`Expected a text of words, got ${content.kind}`);
  return [
    ['words', { dtype: 'I32', shape: [rows, length], data: content.ids }],
    ['mask', { dtype: 'F32', shape: [rows, length], data: mask }],
  ];
}
