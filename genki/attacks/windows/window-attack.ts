/**
 * What some peers send who have seen all that the honest ones send, and agreed on it.
 *
 * @param honest updates of one length, at least one
 * @param faulty how many to make
 * @param seed of what is random about them
 */
export type WindowAttack = (honest: readonly Float32Array[], faulty: number, seed: string) => Float32Array[];

/** One vector under several names. */
export const each = (faulty: number, vector: Float32Array): Float32Array[] => Array.from({ length: faulty }, () => vector.slice());
