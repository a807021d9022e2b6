import { InvalidInput } from '../errors.ts';
import { decodeSafetensors, encodeSafetensors, type HostTensor } from '../protocol/safetensors.ts';
import type { Parameter } from './adamw.ts';
import type { LossCurve } from './loss-curve.ts';
import { floats } from './weights.ts';

const PARTS = ['value', 'moment1', 'moment2'] as const;
const CURVE = 'curve';
/** Of a step: loss, learning rate and length of the gradient as float64. */
const STEP_BYTES = 24;

/** What a training run needs to go on beside the optimizer's state: what it is, and how its steps went. */
export type Progress = { readonly run: string; readonly curve: LossCurve };

/** A checkpoint as safetensors: `value/…`, `moment1/…`, `moment2/…` of each parameter, the bytes of the `curve`, the run as metadata. */
export function encodeCheckpoint(parameters: readonly Parameter[], { run, curve }: Progress): Uint8Array {
  const tensors = parameters.flatMap((parameter) =>
    PARTS.map((part): [string, HostTensor] => [`${part}/${parameter.name}`, { shape: parameter.shape, dtype: 'F32', data: parameter[part] }]),
  );
  const steps = Float64Array.from(curve.flatMap(({ loss, learningRate, gradNorm }) => [loss, learningRate, gradNorm]));
  tensors.push([CURVE, { shape: [curve.length, STEP_BYTES], dtype: 'U8', data: new Uint8Array(steps.buffer) }]);
  return encodeSafetensors(new Map(tensors), { run });
}

/**
 * Puts a checkpoint's values into the parameters.
 * @param run what the checkpoint has to be of
 * @returns the steps done at that point
 * @throws {InvalidInput} naming what does not fit; then nothing has changed
 * @throws {BadSubmission} when the bytes are no safetensors file
 */
export function restoreCheckpoint(bytes: Uint8Array, parameters: readonly Parameter[], run: string): LossCurve {
  const { tensors, metadata } = decodeSafetensors(bytes);
  if (metadata['run'] !== run) throw new InvalidInput(`Expected a checkpoint of run ${run}, got one of ${metadata['run']}`);
  const curve = curveOf(tensors.get(CURVE));
  const states = parameters.flatMap((parameter) =>
    PARTS.map((part) => {
      const spec = { name: `${part}/${parameter.name}`, shape: parameter.shape };
      const tensor = tensors.get(spec.name);
      if (tensor === undefined) throw new InvalidInput(`Expected a checkpoint with ${spec.name}, got none`);
      return { to: parameter[part], values: floats(spec, tensor) };
    }),
  );
  if (tensors.size !== states.length + 1) throw new InvalidInput(`Expected a checkpoint of ${states.length + 1} tensors, got ${tensors.size}`);
  for (const { to, values } of states) to.set(values);
  return curve;
}

function curveOf(tensor: HostTensor | undefined): LossCurve {
  if (tensor?.dtype !== 'U8' || tensor.shape.length !== 2 || tensor.shape[1] !== STEP_BYTES) {
    throw new InvalidInput(`Expected a checkpoint with a curve of ${STEP_BYTES} bytes a step, got ${tensor ? `${tensor.dtype} [${tensor.shape.join(', ')}]` : 'none'}`);
  }
  const values = new Float64Array(Uint8Array.from(tensor.data).buffer);
  if (!values.every(Number.isFinite)) throw new InvalidInput('Expected a checkpoint with a finite curve, got another');
  return Array.from({ length: values.length / 3 }, (_, i) => ({ step: i + 1, loss: values[3 * i]!, learningRate: values[3 * i + 1]!, gradNorm: values[3 * i + 2]! }));
}
