import type { ObjectRef } from '../store/object-store.ts';

/** An open checkpoint: its tensors' content digest, and where its two files lie. */
export type Dama = {
  /** Base64 sha256 over the canonical tensors: the same weights in another file are the same Dama. */
  readonly digest: string;
  readonly weights: ObjectRef;
  readonly config: ObjectRef;
};
