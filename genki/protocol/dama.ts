import type { ObjectRef } from '../store/object-store.ts';

/** An open checkpoint: its tensors' content digest, and where its files lie. */
export type Dama = {
  /** Base64 sha256 over the canonical tensors: the same weights in another file are the same Dama. */
  readonly digest: string;
  readonly weights: ObjectRef;
  readonly config: ObjectRef;
  /** Of a Dama that is told what a text encoder makes of the captions: its tokenizer's two files as one JSON object {json, config}. */
  readonly tokenizer?: ObjectRef | undefined;
};
