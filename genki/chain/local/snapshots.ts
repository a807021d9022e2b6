import { createHash } from 'node:crypto';
import { closeSync, fsyncSync, mkdirSync, openSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { deflateRawSync, inflateRawSync } from 'node:zlib';
import type { BlockRef } from '../chain.ts';
import type { State } from './state.ts';
import { decodeState, encodeState } from './state-codec.ts';

/** Raised with every change of what a state is or of how the runtime makes the next one. */
const VERSION = 2;
const SUM_BYTES = 32;
/** A state of 4,096 neurons and their full rows is smaller. */
const MAX_STATE_BYTES = 2 ** 30;

/**
 * States of some blocks, each a file of its own: `<block>-<hash>.state`, the sha256 of what follows, then the deflated
 * state. A cache and nothing more: what is missing, damaged or of another version is made again from the journal, and
 * what cannot be written is not missed.
 */
export class Snapshots {
  readonly #dir: string;
  /** A state of today's shape. */
  readonly #example: State;
  readonly #names: Set<string>;

  constructor(dir: string, example: State) {
    this.#dir = dir;
    this.#example = example;
    this.#names = new Set(namesIn(dir));
  }

  has(block: BlockRef): boolean {
    return this.#names.has(nameOf(block));
  }

  /** The state after a block, if it is here and whole. */
  read(block: BlockRef): State | undefined {
    const name = nameOf(block);
    if (!this.#names.has(name)) return undefined;
    try {
      const bytes = readFileSync(join(this.#dir, name));
      const [sum, body] = [bytes.subarray(0, SUM_BYTES), bytes.subarray(SUM_BYTES)];
      if (!sum.equals(sumOf(block, body))) throw new RangeError('Expected the bytes of this snapshot');
      const state = decodeState(inflateRawSync(body, { maxOutputLength: MAX_STATE_BYTES })) as State;
      if (shapeOf(state) !== shapeOf(this.#example) || state.number !== block.number) throw new RangeError('Expected the state of this block');
      return state;
    } catch {
      this.#forget(name);
      return undefined;
    }
  }

  /** Writes it whole, or not at all. */
  save(block: BlockRef, state: State): void {
    const name = nameOf(block);
    const aside = join(this.#dir, `${name}.new`);
    const body = deflateRawSync(encodeState(state), { level: 1 });
    try {
      const file = openSync(aside, 'w', 0o600);
      try {
        writeFileSync(file, Buffer.concat([sumOf(block, body), body]));
        fsyncSync(file);
      } finally {
        closeSync(file);
      }
      renameSync(aside, join(this.#dir, name));
      this.#names.add(name);
    } catch {
      this.#forget(`${name}.new`);
    }
  }

  #forget(name: string): void {
    this.#names.delete(name);
    try {
      rmSync(join(this.#dir, name), { force: true });
    } catch {
      // a read-only disk: the next opening finds it again, as useless
    }
  }
}

const nameOf = ({ number, hash }: BlockRef): string => `${String(number).padStart(10, '0')}-${hash.slice(2)}.state`;

const sumOf = ({ number, hash }: BlockRef, body: Uint8Array): Buffer => createHash('sha256').update(`genki local chain state ${VERSION} ${number} ${hash}`).update(body).digest();

const shapeOf = (state: State): string => Object.keys(state).sort().join();

/** Whole snapshots; what a killed node left half-written is removed. */
function namesIn(dir: string): string[] {
  try {
    mkdirSync(dir, { recursive: true });
    const names = readdirSync(dir);
    for (const name of names) if (name.endsWith('.new')) rmSync(join(dir, name));
    return names.filter((name) => name.endsWith('.state'));
  } catch {
    return [];
  }
}
