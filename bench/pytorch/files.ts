import { writeFile } from 'node:fs/promises';
import { type Batch, IGNORED } from '../../genki/music/batch.ts';
import type { TextBatch } from '../../genki/music/text.ts';
import { encodeSafetensors, type HostTensor } from '../../genki/protocol/safetensors.ts';

/** Writes what a peer trains on: `ids` [K, B, T], `labels` [B, T, K] with PyTorch's mark where nothing is asked, the text. */
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

/** Writes what a peer composes to: `mask` [B, S] and `words` [B, S], or `states` [B, S, size]. */
export const writeText = (file: string, text: TextBatch): Promise<void> => writeFile(file, encodeSafetensors(new Map(textTensors(text))));

function textTensors({ rows, length, mask, content }: TextBatch): [string, HostTensor][] {
  const told: [string, HostTensor] = content.kind === 'words'
    ? ['words', { dtype: 'I32', shape: [rows, length], data: content.ids }]
    : ['states', { dtype: 'F32', shape: [rows, length, content.states.length / (rows * length)], data: content.states }];
  return [told, ['mask', { dtype: 'F32', shape: [rows, length], data: mask }]];
}
