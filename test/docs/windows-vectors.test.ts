import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { Neuron } from '../../genki/chain/chain.ts';
import { clipFactors } from '../../genki/federation/aggregation/clip-to-median.ts';
import { merkleRoot } from '../../genki/federation/compression/merkle.ts';
import { auditPositions, sliceIndices } from '../../genki/federation/compression/slice.ts';
import { encodeUpdate } from '../../genki/federation/compression/update-codec.ts';
import type { NormBounds } from '../../genki/federation/norm-clip.ts';
import { epsilonOf, type Release } from '../../genki/federation/privacy/accountant.ts';
import { stateDigest } from '../../genki/federation/window-state.ts';
import { sha256Hex } from '../../genki/protocol/digests.ts';
import { leaderSeed, leadersOf } from '../../genki/protocol/leaders.ts';
import { pagesOf, type PageDraw } from '../../genki/protocol/pages.ts';
import { Random } from '../../genki/protocol/random.ts';
import { seedOf } from '../../genki/protocol/seeds.ts';
import { decodeSafetensors } from '../../genki/protocol/safetensors.ts';
import { asBytes } from '../../genki/protocol/tensor-values.ts';
import { layoutOfSizes } from '../genki/federation/compression/support/vectors.ts';

type Vector = Record<string, unknown>;

const page = readFileSync(new URL('../../docs/windows.md', import.meta.url), 'utf8');
const vectors = [.../^\{.*\}$/gm[Symbol.matchAll](page)].map(([line]) => JSON.parse(line) as Vector);

/** By a vector's first key: the same line, computed. */
const COMPUTED: Readonly<Record<string, (input: never) => Vector>> = {
  random: (seed: string) => {
    const random = new Random(seed);
    return { next: Array.from({ length: 6 }, () => random.next()) };
  },
  pages: (draw: PageDraw) => ({ are: pagesOf(draw) }),
  leaders: ({ window, competition, blocks, stakes }: { window: number; competition: string; blocks: string[]; stakes: Record<string, string> }) => {
    const seed = leaderSeed({ blockHashes: blocks.map((byte) => `0x${byte.repeat(32)}`), competition }, window);
    const neurons = Object.entries(stakes).map(([hotkey, stake]) => ({ hotkey, stake, validatorPermit: true }) as Neuron);
    return { seed, are: leadersOf({ neurons }, seed) };
  },
  holdout: ({ competition, blocks, window }: { competition: string; blocks: string[]; window: number }) => ({ seed: seedOf({ blockHashes: blocks.map((byte) => `0x${byte.repeat(32)}`), competition }, `holdout/${window}`) }),
  slice: ({ tensors, compression, block }: { tensors: number[]; compression: number; block: string }) => ({ are: [...sliceIndices(layoutOfSizes(...tensors), compression, `0x${block.repeat(32)}`)] }),
  audit: ({ values, seed, of }: { values: number; seed: string; of: number }) => ({ are: [...auditPositions(Float32Array.from({ length: values }, (_, i) => i), seed.repeat(32), of)] }),
  merkle: ({ quarters }: { quarters: number }) => ({ root: merkleRoot(Float32Array.from({ length: quarters }, (_, i) => i / 4)) }),
  topk: ({ random, values, chunk, keep }: { random: string; values: number; chunk: number; keep: number }) => {
    const source = new Random(random);
    const { file } = encodeUpdate({ kind: 'top-k', chunk, keep, feedback: 1 }, Float32Array.from({ length: values }, () => source.float() - 0.5));
    const { tensors } = decodeSafetensors(file);
    const hexOf = (name: string): string => Buffer.from(asBytes(tensors.get(name)!.data)).toString('hex');
    return { levels: hexOf('levels'), code: hexOf('code'), sha256: sha256Hex(file) };
  },
  state: ({ weights, momentum }: { weights: number[]; momentum: number[] }) => ({ digest: stateDigest(Float32Array.from(weights), Float32Array.from(momentum)) }),
  clip: ({ norms, ...bounds }: NormBounds & { norms: number[] }) => ({ factors: clipFactors(norms, bounds) }),
  epsilon: (release: Release) => ({ is: epsilonOf(release).epsilon }),
};

describe('the vectors of docs/windows.md', () => {
  it('are of everything that is computed here', () => expect(new Set(vectors.map((vector) => Object.keys(vector)[0]))).toEqual(new Set(Object.keys(COMPUTED))));

  it.each(vectors.map((vector) => [JSON.stringify(vector).slice(0, 60), vector] as const))('%s', (_, vector) => {
    const [[name, input], ...said] = Object.entries(vector) as [[string, never], ...[string, unknown][]];
    expect(COMPUTED[name]!(input)).toEqual(Object.fromEntries(said));
  });
});
