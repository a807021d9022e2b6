import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { busySubnet, SECRET, TEMPO, writeBusyChain, type Size } from '../../bench/busy-chain.ts';
import type { Block } from '../../genki/chain/local/block.ts';
import { decodeExtrinsic } from '../../genki/chain/local/extrinsic.ts';
import { openJournal } from '../../genki/chain/local/journal.ts';
import { openNode, type LocalNode } from '../../genki/chain/local/node.ts';
import { commitmentsOf, metagraphOf, weightsOf } from '../../genki/chain/local/views.ts';
import { temporaryFolder } from '../genki/chain/support.ts';

const BLOCKS = 10_000;
const SIZE: Size = { neurons: 32, validators: 8 };
const genesis = busySubnet(SIZE);

const folder = temporaryFolder();
const dir = join(folder.path, 'chain');
/** Every state there was, from executing all blocks in a row. */
const said = new Map<number, string>();
const viewOf = (...views: unknown[]): string => JSON.stringify(views);

beforeAll(() =>
  writeBusyChain({
    ...{ dir, size: SIZE, blocks: BLOCKS },
    onBlock: (state) => {
      const at = { number: state.number, hash: '' };
      if (wanted(state.number)) said.set(state.number, viewOf(metagraphOf(state, genesis, at).neurons, commitmentsOf(state), weightsOf(state)));
    },
  }),
);
afterAll(() => folder.remove());

/** Ends and middle, some in between, and what lies around the starts of some epochs. */
const wanted = (number: number): boolean => number === 1 || number === BLOCKS / 2 || number >= BLOCKS - 25 || number % 1777 === 0 || [-1, 0, 1].some((by) => (number + by) % (50 * TEMPO) === 0);

describe(`a chain of ${BLOCKS} blocks`, () => {
  let node: LocalNode;
  it('is there at once, with any block of its past as it was', async () => {
    node = await openNode({ dir, genesis, secret: SECRET });
    const final = node.head().number;
    expect(final).toBe(BLOCKS - genesis.finalityLag);
    for (const number of [...said.keys()].filter((at) => at <= final).sort((a, b) => ((a * 7919) % BLOCKS) - ((b * 7919) % BLOCKS))) {
      const hash = node.blockHash(number);
      expect(viewOf(node.metagraph(1, hash).neurons, node.commitments(1, hash), node.weights(1, hash)), `block ${number}`).toBe(said.get(number));
    }
    expect(said.size).toBeGreaterThan(50);
  });

  it('knows where each extrinsic went, and goes on', async () => {
    const { journal } = await openJournal(join(dir, 'journal.jsonl'));
    for (const number of [1, 21, 5003, 9999 - genesis.finalityLag]) {
      // after the line of the genesis
      const { extrinsics } = journal.read(number + 1) as Block;
      expect(extrinsics.length).toBeGreaterThan(0);
      extrinsics.forEach((hex, index) => expect(node.landing(decodeExtrinsic(hex))).toEqual({ kind: 'included', block: { number, hash: node.blockHash(number) }, index }));
    }
    await journal.close();
    expect(node.metagraph(1, node.blockHash(5000))).toMatchObject({ epoch: 250, epochStart: 5000, nextEpoch: 5020 });
    expect((await node.produceBlock()).number).toBe(BLOCKS + 1);
    await node.close();
  });
});
