import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Known } from '../../../client/verify/network.ts';
import { verifyChain } from '../../../client/verify/verify-chain.ts';
import { createLocalChain } from '../../../genki/chain/local/local-chain.ts';
import type { RoundReport } from '../../../genki/evaluation/round-report.ts';
import { seedOf } from '../../../genki/protocol/seeds.ts';
import { toU16 } from '../../../workflows/weights.ts';
import { actor, openShelf, openStreet, type Actor, type Shelf, type Street } from '../../activities/support/federation.ts';
import { setWeights, signed } from '../../genki/chain/support.ts';
import { randomReport } from '../../genki/evaluation/random-round.ts';

const [val, ann, ben] = ['val', 'ann', 'ben'].map(actor) as [Actor, Actor, Actor];
const SNAPSHOT = 8;
const template = randomReport('chain');

let shelf: Shelf;
let street: Street;
beforeAll(async () => { shelf = await openShelf(); });
afterAll(() => shelf.remove());
beforeEach(async () => {
  street = await openStreet({ validators: [[val, 5n * 10n ** 9n]], miners: [ann, ben] }, { finalityLag: 0, weightsRateLimit: 0 });
  street.say(ann, Buffer.from('a commitment').toString('hex'));
  await street.blocks(SNAPSHOT + 6);
});
afterEach(() => street.stop());

async function known(): Promise<Known> {
  const head = await street.chain.head();
  return { store: shelf.store, deployment: shelf.deployment, participants: [], chain: { chain: street.chain, head }, engine: undefined, threads: 1, clap: { cacheDir: '' }, close: async () => undefined };
}

/** What an honest validator reports of this chain, as far as the chain knows it. */
async function honest(): Promise<RoundReport> {
  const blockHashes = await Promise.all([0, 1, 2, 3, 4].map((i) => street.chain.blockHash(SNAPSHOT + i)));
  const { epoch } = await street.chain.metagraph(1, blockHashes[0]!);
  const [commitment] = await street.chain.commitments(1, blockHashes[0]!);
  const nothing = { ...template.miners.find(({ verdict }) => verdict === 'absent')!, registeredAt: 0 };
  return {
    ...template,
    epoch,
    snapshot: { number: SNAPSHOT, hash: blockHashes[0]! },
    seeds: Object.fromEntries(['A', 'B'].map((label) => [label, seedOf({ blockHashes, competition: shelf.deployment.competitionDigest }, label)])),
    base: shelf.deployment.genesisDama,
    miners: [
      { ...nothing, hotkey: ann.hotkey, commitBlock: commitment!.block, commitIndex: commitment!.indexInBlock, weight: 0.75 },
      { ...nothing, hotkey: ben.hotkey, weight: 0.25 },
    ],
  };
}

const found = (report: RoundReport, more: { hotkey?: string; stands?: boolean } = {}) => ({ report, name: 'report', sha256: '', stands: true, hotkey: val.hotkey, ...more });
const verified = async (report: RoundReport, more?: Parameters<typeof found>[1]) => await verifyChain(await known(), found(report, more));
const differencesOf = async (report: RoundReport): Promise<string[]> => (await verified(report)).flatMap(({ differences }) => differences);

/** The validator's weights, in the next block. */
async function set(weights: readonly { hotkey: string; weight: number }[]): Promise<void> {
  const { neurons } = await street.chain.metagraph(1, (await street.chain.head()).hash);
  const uids = weights.map(({ hotkey }) => neurons.find((neuron) => neuron.hotkey === hotkey)!.uid);
  street.node.submit(signed(street.node, setWeights(uids, weights.map(({ weight }) => weight)), val).hex);
  await street.blocks(1);
}

describe('a report held against the chain', () => {
  it('agrees where it is honest, and its validator has set what it says', async () => {
    const report = await honest();
    await set(toU16(report.miners));
    const checks = await verified(report);
    expect(checks.flatMap(({ differences }) => differences)).toEqual([]);
    expect(checks.filter(({ note }) => note !== undefined)).toEqual([]);
    expect(checks.every(({ compared }) => compared > 0)).toBe(true);
  });

  it('finds other weights on the chain', async () => {
    const report = await honest();
    await set([{ hotkey: ben.hotkey, weight: 65_535 }]);
    expect(await differencesOf(report)).toEqual([`weight of ${ann.hotkey} is 65535, the chain has missing`, `weight of ${ben.hotkey} is 21845, the chain has 65535`]);
  });

  it('does not know the weights of a report that nobody stands for', async () => {
    const report = await honest();
    expect((await verified(report)).at(-1)).toMatchObject({ differences: [], note: expect.stringContaining('has set none') as string });
    await set([{ hotkey: ben.hotkey, weight: 65_535 }]);
    expect((await verified(report, { stands: false })).at(-1)).toMatchObject({ differences: [], note: expect.stringContaining('does not stand for this report') as string });
  });

  it.each<[string, (report: RoundReport) => RoundReport, string]>([
    ['a seed of its own', (report) => ({ ...report, seeds: { ...report.seeds, B: report.seeds.A! } }), 'seeds.B is'],
    ['another epoch', (report) => ({ ...report, epoch: report.epoch + 1 }), 'epoch is'],
    ['another block as its snapshot', (report) => ({ ...report, snapshot: { ...report.snapshot, number: SNAPSHOT + 1 } }), 'snapshot.hash is'],
    ['another chain', (report) => ({ ...report, snapshot: { ...report.snapshot, hash: `0x${'7'.repeat(64)}` } }), 'snapshot.hash is'],
    ['a miner who is not registered', (report) => ({ ...report, miners: [...report.miners, { ...report.miners[1]!, hotkey: actor('eve').hotkey }] }), `miners.${actor('eve').hotkey}`],
    ['a miner left out', (report) => ({ ...report, miners: report.miners.slice(1) }), `miners.${ann.hotkey} is missing`],
    ['an earlier commit', (report) => ({ ...report, miners: [{ ...report.miners[0]!, commitBlock: 0 }, report.miners[1]!] }), 'commitBlock is 0'],
    ['another Dama', (report) => ({ ...report, base: { ...report.base, digest: template.base.digest } }), 'base.digest is'],
  ])('finds %s', async (_, lie, words) => expect((await differencesOf(lie(await honest()))).join('\n')).toContain(words));

  it('says so where the chain does not answer', async () => {
    const chain = createLocalChain({ url: 'http://127.0.0.1:9' });
    const deaf = { ...(await known()), chain: { chain, head: await street.chain.head() } };
    expect(await verifyChain(deaf, found(await honest()))).toMatchObject([{ what: 'the chain', compared: 0, note: expect.stringContaining('not checked') as string }]);
    expect(await verifyChain({ ...deaf, chain: undefined }, found(await honest()))).toHaveLength(1);
  });
});
