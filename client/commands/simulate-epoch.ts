import { readFile } from 'node:fs/promises';
import * as z from 'zod';
import { parseJson } from '../../activities/parse-json.ts';
import type { Chain, Metagraph } from '../../genki/chain/chain.ts';
import { looksSecret } from '../../genki/chain/looks-secret.ts';
import { simulateEpoch, type NeuronOutlook, type NeuronTerms, type WeightsChange } from '../../genki/chain/yuma/simulate.ts';
import { InvalidInput } from '../../genki/errors.ts';
import { table } from '../first-light/screen.ts';
import { onSubnet } from './chain-view.ts';

type SimulateOptions = { readonly hotkey?: string; readonly weights?: string; readonly mechanism: number; readonly netuid?: number; readonly json: boolean };

/** `genki chain simulate-epoch`: what the next epoch gives each neuron, and what it would with other weights. */
export async function simulateNextEpoch(options: SimulateOptions, env: NodeJS.ProcessEnv): Promise<void> {
  await onSubnet(options, env, async ({ chain, netuid, names }) => {
    const outlook = await outlookOf(chain, netuid, (subnet) => changesOf(subnet, options, names));
    process.stdout.write(options.json ? `${JSON.stringify(asJson(outlook))}\n` : `${lines(outlook, names).join('\n')}\n`);
  });
}

/** The next epoch of a subnet, as it stands at the head. */
export type Outlook = { readonly subnet: Metagraph; readonly block: number; readonly isChanged: boolean; readonly neurons: readonly NeuronOutlook[] };

/** @param changesIn the weights that are to be set before, in the subnet as it stands */
export async function outlookOf(chain: Chain, netuid: number, changesIn: (subnet: Metagraph) => Promise<readonly WeightsChange[]>): Promise<Outlook> {
  const { hash } = await chain.head();
  const [subnet, inputs] = await Promise.all([chain.metagraph(netuid, hash), chain.epochInput(netuid, hash)]);
  const changes = await changesIn(subnet);
  return { subnet, block: inputs[0]?.block ?? subnet.nextEpoch, isChanged: changes.length > 0, neurons: simulateEpoch(inputs, changes) };
}

const Weights = z.record(z.string(), z.number().min(0));

async function changesOf(subnet: Metagraph, { hotkey, weights, mechanism }: SimulateOptions, names: (hotkey: string) => string): Promise<readonly WeightsChange[]> {
  if (hotkey === undefined && weights === undefined) return [];
  if (hotkey === undefined || weights === undefined) throw new InvalidInput('Expected both a hotkey and its weights, or neither');
  const uidOf = (who: string): number => {
    const neuron = subnet.neurons.find(({ uid, hotkey: own }) => own === who || names(own) === who || String(uid) === who);
    if (!neuron) throw new InvalidInput(`Expected a uid, a hotkey or a name in subnet ${subnet.netuid}, got ${looksSecret(who) ? 'what may be a secret' : JSON.stringify(who.slice(0, 80))}`);
    return neuron.uid;
  };
  const text = weights.trimStart().startsWith('{') ? weights : await readFile(weights, 'utf8').catch((cause: NodeJS.ErrnoException) => {
    throw new InvalidInput(`Expected weights as JSON, or a file of them: ${cause.code}`, { cause });
  });
  const parsed = Weights.safeParse(parseJson(text));
  if (!parsed.success) throw new InvalidInput(`Expected weights such as {"0":1,"swing":3}:\n${z.prettifyError(parsed.error)}`);
  return [{ uid: uidOf(hotkey), mechanism, weights: Object.entries(parsed.data).map(([who, weight]) => [uidOf(who), weight] as const) }];
}

function lines({ subnet, block, isChanged, neurons }: Outlook, names: (hotkey: string) => string): string[] {
  const share = (u16: number): string => `${((100 * u16) / 65535).toFixed(2)}%`;
  const pair = (of: (terms: NeuronTerms) => string) => ({ before, after }: NeuronOutlook): string => (of(before) === of(after) ? of(after) : `${of(before)} → ${of(after)}`);
  const columns = [pair(({ incentive }) => incentive.map(share).join(' ')), pair(({ dividends }) => share(dividends)), pair(({ emission }) => (Number(emission) / 1e9).toFixed(6))];
  const permit = ({ permit: { now, next } }: NeuronOutlook): string => (now === next ? (now ? 'keeps' : '–') : next ? 'gets' : 'loses');
  const rows = neurons.map((neuron) => [String(neuron.uid), names(subnet.neurons[neuron.uid]!.hotkey), ...columns.map((column) => column(neuron)), permit(neuron)]);
  return [
    `Epoch ${subnet.epoch + 1} of subnet ${subnet.netuid}, in block ${block}, as it stands in block ${subnet.at.number}${isChanged ? ', and with the other weights' : ''}`,
    ...table(['uid', 'who', 'incentive', 'dividends', 'emission', 'permit'], rows),
  ];
}

function asJson({ subnet, block, neurons }: Outlook): unknown {
  const plain = ({ emission, ...shares }: NeuronTerms) => ({ ...shares, emission: String(emission) });
  return { netuid: subnet.netuid, at: subnet.at, epoch: subnet.epoch + 1, block, neurons: neurons.map(({ uid, before, after, permit }) => ({ uid, hotkey: subnet.neurons[uid]!.hotkey, before: plain(before), after: plain(after), permit })) };
}
