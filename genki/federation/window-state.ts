import { createHash } from 'node:crypto';
import { endianness } from 'node:os';
import * as z from 'zod';
import { BadSubmission } from '../errors.ts';
import type { Dama } from '../protocol/dama.ts';
import { isBucketName, isObjectKey } from '../store/object-name.ts';
import type { ObjectRef } from '../store/object-store.ts';

/** A model between two windows, as a node keeps it. */
export type WindowState = {
  /** `stateDigest` of its weights and momentum. */
  readonly digest: string;
  readonly dama: Dama;
  /** A safetensors file with one tensor `momentum`; null where the outer optimiser has none. */
  readonly momentum: ObjectRef | null;
};

/**
 * What all nodes agree on after a window: base64 of the sha256 over the weights in the model's tensor order, float32, little
 * endian, followed by the momentum's where there is one.
 */
export function stateDigest(weights: Float32Array, momentum: Float32Array | null): string {
  const hash = createHash('sha256').update(littleEndian(weights));
  if (momentum) hash.update(littleEndian(momentum));
  return hash.digest('base64');
}

/** Shares the memory where it can. */
export function littleEndian(values: Float32Array): Uint8Array {
  const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  return endianness() === 'LE' ? bytes : Buffer.from(bytes).swap32();
}

/** A state that anybody can begin from, in the bucket of the leader that kept it. */
export type Checkpoint = { readonly version: 1; /** the last one that is in it */ readonly window: number; /** sha256 of that window's entry */ readonly entry: string; readonly state: WindowState };

const Digest = z.base64().length(44);
const Ref = z.strictObject({ bucket: z.string().refine(isBucketName), key: z.string().refine(isObjectKey), sha256: z.hash('sha256').lowercase(), bytes: z.int().nonnegative() });
const Checkpoint = z.strictObject({
  version: z.literal(1),
  window: z.int().nonnegative(),
  entry: z.hash('sha256').lowercase(),
  state: z.strictObject({ digest: Digest, dama: z.strictObject({ digest: Digest, weights: Ref, config: Ref, tokenizer: Ref.optional() }), momentum: Ref.nullable() }),
});

/** @throws {BadSubmission} when it is none */
export function readCheckpoint(json: unknown): Checkpoint {
  const parsed = Checkpoint.safeParse(json);
  if (!parsed.success) throw new BadSubmission(`Expected a checkpoint of the window log:\n${z.prettifyError(parsed.error)}`);
  return parsed.data;
}
