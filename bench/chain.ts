import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { openNode } from '../genki/chain/local/node.ts';
import { busySubnet, SECRET, TEMPO, writeBusyChain, type Size } from './busy-chain.ts';
import type { Context } from './context.ts';
import { type Figure, figureOf } from './figure.ts';
import { median, timed } from './in-turns.ts';

const SIZE: Size = { neurons: 256, validators: 64 };
const BLOCKS = 10_000;
const TURNS = 5;

/**
 * How long the local chain takes to start after 10,000 blocks of a full and busy subnet, beside executing all of them
 * again; and how long the longest kind of its blocks takes, one with an epoch, beside the half second it may.
 */
export async function chain({ folder, note }: Context): Promise<Figure[]> {
  const dir = join(folder, 'chain');
  await mkdir(dir, { recursive: true });
  const epochs: number[] = [];
  note(`chain: making ${BLOCKS} blocks of ${SIZE.neurons} neurons, which takes minutes`);
  await writeBusyChain({ dir, size: SIZE, blocks: BLOCKS, onBlock: ({ number }, tookMs) => { if (number % TEMPO === 0) epochs.push(tookMs); } });
  const open = async (): Promise<void> => {
    const node = await openNode({ dir, genesis: busySubnet(SIZE), secret: SECRET });
    if (node.head().number < BLOCKS - 2) throw new Error(`chain: expected block ${BLOCKS - 2}, got ${node.head().number}`);
    await node.close();
  };
  const start = median(await timed(TURNS, open)) / 1000;
  await rm(join(dir, 'states'), { recursive: true });
  const [replay] = await timed(1, open);
  return [
    figureOf({ name: 'chain-start', unit: 's', ours: start, peer: replay! / 1000, peerName: 'replay from genesis' }),
    figureOf({ name: 'chain-epoch', unit: 's', ours: median(epochs) / 1000, peer: 0.5, peerName: 'what is claimed' }),
  ];
}
