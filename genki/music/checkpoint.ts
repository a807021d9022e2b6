import { InvalidInput } from '../errors.ts';
import { decodeSafetensors, encodeSafetensors, type HostTensor } from '../protocol/safetensors.ts';
import type { Parameter } from './adamw.ts';
import { floats } from './weights.ts';

const PARTS = ['value', 'moment1', 'moment2'] as const;

/** What a training run needs to go on: what it is, how far it came, and the optimizer's whole state. */
export type Progress = { readonly run: string; readonly step: number };

/** A checkpoint as safetensors: `value/…`, `moment1/…`, `moment2/…` of each parameter, the progress as metadata. */
export function encodeCheckpoint(parameters: readonly Parameter[], { run, step }: Progress): Uint8Array {
  const tensors = parameters.flatMap((parameter) =>
    PARTS.map((part): [string, HostTensor] => [`${part}/${parameter.name}`, { shape: parameter.shape, dtype: 'F32', data: parameter[part] }]),
  );
  return encodeSafetensors(new Map(tensors), { run, step: String(step) });
}

/**
 * Puts a checkpoint's values into the parameters.
 * @param run what the checkpoint has to be of
 * @returns the steps done at that point
 * @throws {InvalidInput} naming what does not fit; then nothing has changed
 * @throws {BadSubmission} when the bytes are no safetensors file
 */
export function restoreCheckpoint(bytes: Uint8Array, parameters: readonly Parameter[], run: string): number {
  const { tensors, metadata } = decodeSafetensors(bytes);
  if (metadata['run'] !== run) throw new InvalidInput(`Expected a checkpoint of run ${run}, got one of ${metadata['run']}`);
  const step = Number(metadata['step']);
  if (!Number.isSafeInteger(step) || step < 0) throw new InvalidInput(`Expected a checkpoint's step, got ${metadata['step']}`);
  const states = parameters.flatMap((parameter) =>
    PARTS.map((part) => {
      const spec = { name: `${part}/${parameter.name}`, shape: parameter.shape };
      const tensor = tensors.get(spec.name);
      if (tensor === undefined) throw new InvalidInput(`Expected a checkpoint with ${spec.name}, got none`);
      return { to: parameter[part], values: floats(spec, tensor) };
    }),
  );
  if (tensors.size !== states.length) throw new InvalidInput(`Expected a checkpoint of ${states.length} tensors, got ${tensors.size}`);
  for (const { to, values } of states) to.set(values);
  return step;
}
