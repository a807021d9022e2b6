/**
 * The closed list of errors that Genki raises. A workflow decides by the name, a person reads the message,
 * which says what was expected and what was found.
 */

/** What a participant handed in is wrong: its fault, and trying again cannot help. */
export class InvalidInput extends Error {
  override readonly name: string = 'InvalidInput';
}

/** A commit record, manifest or adapter from outside does not keep the contract. */
export class BadSubmission extends Error {
  override readonly name: string = 'BadSubmission';
}

/** An object is written in a newer version of its schema than this build reads: nobody's fault, newer software can. */
export class NewerSchema extends Error {
  override readonly name: string = 'NewerSchema';
}

/** The bytes under a key are not the ones the reference names. */
export class ChecksumMismatch extends Error {
  override readonly name: string = 'ChecksumMismatch';
}

/** There is no object under this key. */
export class ObjectMissing extends Error {
  override readonly name: string = 'ObjectMissing';
}

/** An object is larger than its reader allows. */
export class TooLarge extends Error {
  override readonly name: string = 'TooLarge';
}

/** The store cannot answer just now; later may work. */
export class StoreUnavailable extends Error {
  override readonly name: string = 'StoreUnavailable';
}

/** The chain cannot answer just now; later may work. */
export class ChainUnavailable extends Error {
  override readonly name: string = 'ChainUnavailable';
}

/** The chain refused an extrinsic; `code` is the runtime's own error name. */
export class ExtrinsicRefused extends Error {
  override readonly name: string = 'ExtrinsicRefused';
  readonly code: string;
  constructor(code: string, message: string) {
    super(`${code}: ${message}`);
    this.code = code;
  }
}

/** The lease on an adapter passed to somebody else. */
export class LeaseLost extends Error {
  override readonly name: string = 'LeaseLost';
}

/** A runner process died or stopped making progress. */
export class RunnerCrashed extends Error {
  override readonly name: string = 'RunnerCrashed';
}

/** An engine was asked for something that it cannot execute. */
export class EngineError extends Error {
  override readonly name: string = 'EngineError';
}

/** A model that is gone on from is not the one that its digest names, or not there any more. */
export class ModelSpoiled extends Error {
  override readonly name = 'ModelSpoiled';
}

/** The embedder fails its own test: with it nothing can be scored. */
export class EmbedderUnfit extends Error {
  override readonly name: string = 'EmbedderUnfit';
}

/** The errors that lie in what a participant handed in, by name; none of the others is its fault. */
export const FAULTS = { BadSubmission, ChecksumMismatch, ObjectMissing, TooLarge } as const;
export type Fault = keyof typeof FAULTS;

export const isFault = (name: unknown): name is Fault => typeof name === 'string' && Object.hasOwn(FAULTS, name);

/** The error, if it is one of `FAULTS`. */
export const faultOf = (error: unknown): (Error & { readonly name: Fault }) | undefined => (isFaulty(error) ? error : undefined);

const isFaulty = (error: unknown): error is Error & { readonly name: Fault } => error instanceof Error && isFault(error.name);
