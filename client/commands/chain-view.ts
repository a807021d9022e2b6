import { existsSync } from 'node:fs';
import { participantsFile, readParticipants } from '../../activities/participants.ts';
import type { BlockRef, Chain, CommitmentField, Hyperparameters, Metagraph, Neuron } from '../../genki/chain/chain.ts';
import { openChain } from '../../genki/chain/open-chain.ts';
import { InvalidInput } from '../../genki/errors.ts';
import { chainSettings } from '../../workers/settings.ts';
import { deploymentFile, readDeployment } from '../../workers/deployment.ts';
import { namesOf, type Names } from '../first-light/result.ts';
import { table } from '../first-light/screen.ts';

export type ViewOptions = { readonly netuid?: number; readonly json: boolean };

/** A subnet to look at, at one finalized block. */
export type View = { readonly chain: Chain; readonly netuid: number; readonly at: BlockRef; readonly names: Names };

/** `genki chain status`: the head, and the subnet's clock and rules. */
export const showChain = (options: ViewOptions, env: NodeJS.ProcessEnv): Promise<void> =>
  shown(options, env, async ({ chain, netuid, at }) => {
    const [{ neurons, ...subnet }, rules, beacon] = await Promise.all([chain.metagraph(netuid, at.hash), chain.hyperparameters(netuid, at.hash), chain.beacon(at.hash)]);
    const health = chain.health?.() ?? [];
    return { json: { ...subnet, neurons: neurons.length, rules: { ...rules, netuid: undefined, at: undefined }, beacon: beacon ?? null, endpoints: health }, lines: [
      `Block ${at.number} ${at.hash}`,
      ...health.map(({ url, inUse, problem }) => `  ${inUse ? '*' : ' '} ${url}${problem === undefined ? '' : `: ${problem}`}`),
      `Subnet ${netuid} of ${subnet.owner}: ${neurons.length} of ${rules.maxNeurons} neurons, ${neurons.filter(({ validatorPermit }) => validatorPermit).length} with a permit`,
      `Epoch ${subnet.epoch} since block ${subnet.epochStart}, the next in block ${subnet.nextEpoch}, one each ${subnet.tempo}`,
      `Registering costs ${amount(rules.burn)}; weights ${weightsRule(rules)}`,
    ] };
  });

/** `genki chain metagraph`: every neuron. */
export const showMetagraph = (options: ViewOptions, env: NodeJS.ProcessEnv): Promise<void> =>
  shown(options, env, async ({ chain, netuid, at, names }) => {
    const subnet = await chain.metagraph(netuid, at.hash);
    return { json: subnet, lines: metagraphLines(subnet, names) };
  });

/** `genki chain commitments`: the newest of each hotkey, in their order. */
export const showCommitments = (options: ViewOptions, env: NodeJS.ProcessEnv): Promise<void> =>
  shown(options, env, async ({ chain, netuid, at, names }) => {
    const commitments = await chain.commitments(netuid, at.hash);
    const rows = commitments.map(({ hotkey, block, indexInBlock, fields }) => [String(block), String(indexInBlock), names(hotkey), fields.map(fieldText).join(' ')]);
    return { json: { netuid, at, commitments }, lines: rows.length === 0 ? [`No commitment in subnet ${netuid} yet.`] : table(['block', 'place', 'who', 'says'], rows) };
  });

/** `genki chain weights`: each validator's row as the chain keeps it, and what is committed and not yet to be read. */
export const showWeights = (options: ViewOptions, env: NodeJS.ProcessEnv): Promise<void> =>
  shown(options, env, async ({ chain, netuid, at, names }) => {
    const [rows, hidden, { neurons }] = await Promise.all([chain.weights(netuid, at.hash), chain.weightCommits(netuid, at.hash), chain.metagraph(netuid, at.hash)]);
    const who = (uid: number): string => names(neurons[uid]?.hotkey ?? String(uid));
    const lines = rows.map(({ hotkey, weights }) => [names(hotkey), String(neurons.find((one) => one.hotkey === hotkey)?.lastUpdate ?? '–'), shares(weights).map(([uid, share]) => `${who(uid)} ${share}`).join(', ')]);
    return { json: { netuid, at, weights: rows, hidden }, lines: [
      ...(lines.length === 0 ? [`No weights in subnet ${netuid} yet.`] : table(['validator', 'block', 'weights'], lines)),
      ...hidden.map(({ hotkey, kind, block, epoch }) => `${names(hotkey)} has hidden weights (${kind}) in block ${block}, of epoch ${epoch}`),
    ] };
  });

/** The chain that the settings name, while something is looked up. */
export async function onSubnet<T>({ netuid }: { readonly netuid?: number }, env: NodeJS.ProcessEnv, look: (view: View) => Promise<T>): Promise<T> {
  const { home, address } = chainSettings(env);
  const known = existsSync(deploymentFile(home)) ? (await readDeployment(home)).competition.netuid : undefined;
  const chosen = netuid ?? known;
  if (chosen === undefined) throw new InvalidInput('Expected --netuid, as no competition is known here');
  const names = namesOf(existsSync(participantsFile(home)) ? await readParticipants(home) : []);
  const chain = await openChain(address);
  try {
    return await look({ chain, netuid: chosen, at: await chain.head(), names });
  } finally {
    await chain.close();
  }
}

async function shown(options: ViewOptions, env: NodeJS.ProcessEnv, look: (view: View) => Promise<{ json: unknown; lines: readonly string[] }>): Promise<void> {
  const { json, lines } = await onSubnet(options, env, look);
  process.stdout.write(`${options.json ? JSON.stringify(json) : lines.join('\n')}\n`);
}

function metagraphLines({ netuid, at, neurons }: Metagraph, names: Names): string[] {
  const row = ({ uid, hotkey, stake, validatorPermit, active, incentive, dividends, emission, lastUpdate, registeredAt, axon }: Neuron): string[] => [
    String(uid), names(hotkey), amount(stake), validatorPermit ? (active ? 'yes' : 'asleep') : '–', share(incentive), share(dividends), amount(emission), String(lastUpdate), String(registeredAt),
    axon === null ? '–' : axon.ip.includes(':') ? `[${axon.ip}]:${axon.port}` : `${axon.ip}:${axon.port}`,
  ];
  return [`Subnet ${netuid} in block ${at.number}`, ...table(['uid', 'who', 'stake', 'permit', 'incentive', 'dividends', 'emission', 'updated', 'registered', 'at'], neurons.map(row))];
}

/** Of what the row adds up to, the largest first. */
function shares(weights: readonly { readonly uid: number; readonly weight: number }[]): [uid: number, share: string][] {
  const total = weights.reduce((sum, { weight }) => sum + weight, 0);
  return weights.filter(({ weight }) => weight > 0).toSorted((a, b) => b.weight - a.weight || a.uid - b.uid).map(({ uid, weight }) => [uid, `${((100 * weight) / total).toFixed(1)}%`]);
}

const share = (u16: number): string => `${((100 * u16) / 65_535).toFixed(2)}%`;

/** Nine digits after the point, as the chain counts. */
const amount = (rao: string): string => `${rao.padStart(10, '0').slice(0, -9)}.${rao.padStart(10, '0').slice(-9)}`.replace(/\.?0+$/, '');

const weightsRule = ({ commitReveal: { enabled, periodEpochs }, weightsRateLimit, minAllowedWeights }: Hyperparameters): string =>
  `once in ${weightsRateLimit} blocks, ${minAllowedWeights} or more, ${enabled ? `hidden for ${periodEpochs} epoch${periodEpochs === 1 ? '' : 's'}` : 'in the open'}`;

/** Text where it is some, else hex. */
function fieldText({ kind, data }: CommitmentField): string {
  const text = Buffer.from(data, 'hex').toString('utf8');
  return (kind === 'raw' || kind === 'bigRaw') && /^[\x20-\x7e]+$/.test(text) ? text : `${kind}:${data}`;
}
