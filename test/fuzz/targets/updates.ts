import { BadSubmission, NewerSchema } from '../../../genki/errors.ts';
import { merkleRoot } from '../../../genki/federation/compression/merkle.ts';
import { decodeSlice, encodeSlice, maxSliceBytes } from '../../../genki/federation/compression/slice-file.ts';
import { decodeUpdate, encodeUpdate, maxUpdateBytes } from '../../../genki/federation/compression/update-codec.ts';
import type { Layout } from '../../../genki/federation/layout.ts';
import { Codec } from '../../../genki/protocol/exchange.ts';
import { Random } from '../../../genki/protocol/random.ts';
import { accepted, holds, type Target } from '../target.ts';
import { mutateSafetensors } from './tensors.ts';

const LAYOUT: Layout = { places: [{ name: 'a', shape: [700], offset: 0, size: 700 }, { name: 'b', shape: [23], offset: 700, size: 23 }], size: 723 };
/** Longer than a reader takes, so that this is tried too. */
const ROOM = 4096;

function someUpdate(seed: string, zeros: number): Float32Array {
  const random = new Random(seed);
  return Float32Array.from({ length: LAYOUT.size }, () => (random.chance(zeros) ? 0 : random.normal()));
}

function updatesOf(name: string, codec: Codec): Target {
  return {
    name,
    weight: 6,
    maxBytes: maxUpdateBytes(codec, LAYOUT) + ROOM,
    valid: [0, 0.5, 0.99, 1].map((zeros) => encodeUpdate(codec, someUpdate(name, zeros)).file),
    mutate: mutateSafetensors,
    check: (bytes) => {
      const read = accepted([BadSubmission, NewerSchema], () => decodeUpdate(codec, bytes, LAYOUT));
      if (read === undefined) return 'refused';
      holds(read.length === LAYOUT.size && read.every((value) => Number.isFinite(value) && !Object.is(value, -0)), 'as many finite values as the layout has');
      holds(bytes.byteLength <= maxUpdateBytes(codec, LAYOUT), 'no more bytes than a file of this codec has');
      holds(Buffer.compare(encodeUpdate(codec, read).file, bytes) === 0, 'the one file of this update');
      return 'accepted';
    },
  };
}

const TERMS = { layout: LAYOUT, compression: 10, blockHash: `0x${'1'.repeat(64)}`, auditSeed: '2'.repeat(64) };
const COMMITTED = someUpdate('slice', 0.1);
const ROOT = merkleRoot(COMMITTED);

const slices: Target = {
  name: 'update-slice',
  weight: 6,
  maxBytes: maxSliceBytes(TERMS, LAYOUT) + ROOM,
  valid: [encodeSlice(COMMITTED, TERMS)],
  mutate: mutateSafetensors,
  check: (bytes) => {
    const read = accepted([BadSubmission, NewerSchema], () => decodeSlice(bytes, { ...TERMS, root: ROOT }));
    if (read === undefined) return 'refused';
    holds(read.length === LAYOUT.size && read.every((value) => Number.isFinite(value)), 'as many finite values as the layout has');
    // of 72 values 64 are audited: at most 8 others got through
    holds(read.filter((value, i) => value !== 0 && value !== COMMITTED[i]).length <= 8, 'the audited values as they were committed');
    return 'accepted';
  },
};

export const updateTargets: readonly Target[] = [
  updatesOf('update-top-k', Codec.parse({ kind: 'top-k', chunk: 64, keep: 1, feedback: 1 })),
  updatesOf('update-top-k-16', Codec.parse({ kind: 'top-k', chunk: 128, keep: 16, feedback: 1 })),
  updatesOf('update-dense', { kind: 'dense' }),
  slices,
];
