import { currentDama } from '../../activities/current-dama.ts';
import type { Chain, Metagraph } from '../../genki/chain/chain.ts';
import { ChainUnavailable, StoreUnavailable } from '../../genki/errors.ts';
import { compare } from '../../genki/evaluation/differences.ts';
import type { RoundReport } from '../../genki/evaluation/round-report.ts';
import { checkOf, type Check } from '../../genki/evaluation/verify-report.ts';
import { seedOf } from '../../genki/protocol/seeds.ts';
import { seedBlocksOf, snapshotBlock } from '../../genki/protocol/window.ts';
import { toU16 } from '../../workflows/weights.ts';
import type { Found, FoundOf } from './find-report.ts';
import type { Known } from './network.ts';

/** A report held against the chain: its snapshot, seeds, miners, Dama and weights. */
export async function verifyChain(known: Known, found: FoundOf<RoundReport>): Promise<Check[]> {
  if (!known.chain) return [skipped('the chain', 'it does not answer')];
  const { chain: { chain }, deployment: { competition } } = known;
  const { report } = found;
  try {
    const hash = await chain.blockHash(report.snapshot.number);
    const isSnapshot = checkOf('the snapshot', compare({ snapshot: { hash: report.snapshot.hash } }, { snapshot: { hash } }), 'the chain says');
    if (isSnapshot.differences.length > 0) return [isSnapshot, skipped('the chain', 'the report is of another one')];
    const metagraph = await chain.metagraph(competition.netuid, hash);
    const number = snapshotBlock(metagraph.epochStart, competition.timing.snapshotOffsetBlocks);
    const moment = checkOf('the snapshot', compare({ epoch: report.epoch, snapshot: report.snapshot }, { epoch: metagraph.epoch, snapshot: { number, hash } }), 'the chain says');
    return [moment, await checkSeeds(known, chain, report), await checkRegistered(chain, metagraph, report), await checkBase(known, metagraph, report), await checkWeights(known, metagraph, found)];
  } catch (error) {
    if (!(error instanceof ChainUnavailable)) throw error;
    return [skipped('the chain', error.message)];
  }
}

export const skipped = (what: string, note: string): Check => ({ what, compared: 0, differences: [], note: `not checked: ${note}` });

async function checkSeeds({ deployment: { competition, competitionDigest } }: Known, chain: Chain, { seeds, snapshot }: RoundReport): Promise<Check> {
  const blockHashes = await Promise.all(seedBlocksOf(snapshot.number, competition.timing.seedBlocks).map((block) => chain.blockHash(block)));
  const drawn = Object.fromEntries(Object.keys(seeds).map((label) => [label, seedOf({ blockHashes, competition: competitionDigest }, label)]));
  return checkOf('seeds', compare({ seeds }, { seeds: drawn }), 'the block hashes give');
}

/** Everybody who is registered has a line, with the commit that the chain knows. */
async function checkRegistered(chain: Chain, { netuid, at, neurons, owner }: Metagraph, { miners }: RoundReport): Promise<Check> {
  const commitments = new Map((await chain.commitments(netuid, at.hash)).map((one) => [one.hotkey, one]));
  const registered = neurons.filter((neuron) => !neuron.validatorPermit && neuron.hotkey !== owner);
  const said = miners.map(({ hotkey, registeredAt, commitBlock, commitIndex }) => [hotkey, { registeredAt, commitBlock, commitIndex }]);
  const real = registered.map(({ hotkey, registeredAt }) => [hotkey, { registeredAt, commitBlock: commitments.get(hotkey)?.block ?? null, commitIndex: commitments.get(hotkey)?.indexInBlock ?? null }]);
  return checkOf('who is registered, and when they committed', compare({ miners: Object.fromEntries(said) as object }, { miners: Object.fromEntries(real) as object }), 'the chain says');
}

async function checkBase({ store, deployment, chain }: Known, metagraph: Metagraph, { base }: RoundReport): Promise<Check> {
  try {
    const { dama } = await currentDama({ store, deployment, chain: chain!.chain }, metagraph);
    const bytesOf = ({ digest, weights, config }: typeof dama) => ({ base: { digest, weights: weights.sha256, config: config.sha256 } });
    return checkOf('the Dama before', compare(bytesOf(base), bytesOf(dama)), 'the stake stands for');
  } catch (error) {
    if (!(error instanceof StoreUnavailable)) throw error;
    return skipped('the Dama before', error.message);
  }
}

/** What the report's validator has set in the epoch, by the hotkeys that the uids belonged to then. */
export async function checkWeights({ chain: known, deployment }: Known, snapshot: Metagraph, { report, hotkey, stands }: Found): Promise<Check> {
  const what = 'weights on the chain';
  if (hotkey === undefined) return skipped(what, 'it is not known whose report this is');
  const { chain, head } = known!;
  const { netuid } = deployment.competition;
  const isOver = head.number >= snapshot.nextEpoch;
  const at = isOver ? await chain.blockHash(snapshot.nextEpoch - 1) : head.hash;
  if ((await chain.hyperparameters(netuid, at)).commitReveal.enabled) return skipped(what, 'they are hidden until they are revealed');
  const setAt = (await chain.metagraph(netuid, at)).neurons.find((neuron) => neuron.hotkey === hotkey)?.lastUpdate ?? 0;
  const expected = toU16(report.miners);
  if (setAt < report.snapshot.number) return expected.length === 0 ? { what, compared: 1, differences: [] } : skipped(what, `${hotkey} has set none in this epoch${isOver ? '' : ' yet'}`);
  const uids = new Map((await chain.metagraph(netuid, await chain.blockHash(setAt))).neurons.map((neuron) => [neuron.uid, neuron.hotkey]));
  const row = (await chain.weights(netuid, at)).find((one) => one.hotkey === hotkey)?.weights ?? [];
  const rowOf = (weights: readonly { readonly hotkey: string; readonly weight: number }[]): object => Object.fromEntries(weights.map((one) => [`weight of ${one.hotkey}`, one.weight]));
  const set = row.map(({ uid, weight }) => ({ hotkey: uids.get(uid) ?? `uid ${uid}`, weight }));
  const check = checkOf(what, compare(rowOf(expected), rowOf(set)), 'the chain has');
  return stands || check.differences.length === 0 ? check : skipped(what, 'its validator does not stand for this report, and has set others');
}
