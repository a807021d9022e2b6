import type { Measurement, Policy } from './policy.ts';
import { withDefaults } from './policy-parameters.ts';
import { softmax, TEMPERATURES } from './softmax.ts';

export const winRateParameters = {
  epsilon: { meaning: 'Part of its loss by which the leader of the epoch before has to be beaten.', default: 0.01, least: 0, most: 0.5 },
  temperature: { meaning: 'Of the softmax that turns win rates into weights.', default: 0.08, ...TEMPERATURES },
} as const;

/**
 * Pays for winning on the same batches (Nous finetuning-subnet): the softmax of the win rates of those accepted. Who has
 * no finite loss at all is paid nothing; a sole entrant gets 1.
 */
export const winRate: Policy = (measurements, given) => {
  const { epsilon, temperature } = withDefaults(winRateParameters, given);
  const hasLoss = ({ losses = [] }: Measurement): boolean => losses.some(Number.isFinite);
  return softmax(winRates(measurements, epsilon).map((rate, i) => (hasLoss(measurements[i]!) ? rate : undefined)), temperature);
};

/**
 * Part of its matches that each accepted submission wins: one match a batch with every other.
 *
 * 1. The lower loss wins; of equal ones the earlier commit's, so a later one has to be strictly lower.
 * 2. A loss that is missing or not finite loses its match, also against another such one, which loses too.
 * 3. The leader's losses count (1 − ε) times, whoever it meets. With an ε for every earlier commit, or one against later
 *    commits only, a could beat b, b beat c and c beat a; so every batch has one order.
 *
 * @returns shape [measurements], in [0, 1], 1 for who is alone; undefined for who was not accepted
 */
export function winRates(measurements: readonly Measurement[], epsilon: number): (number | undefined)[] {
  const accepted = measurements.filter((one) => one.accepted);
  const batches = Math.max(0, ...accepted.map(({ losses = [] }) => losses.length));
  const matches = (accepted.length - 1) * batches;
  const counted = measurements.map((one) => (one.accepted ? Array.from({ length: batches }, (_, k) => countedLoss(one, k, epsilon)) : undefined));
  const rate = (own: readonly number[], i: number): number => (matches === 0 ? 0 : winsOf(own, i, counted) / matches);
  return counted.map((own, i) => (own === undefined ? undefined : accepted.length === 1 ? 1 : rate(own, i)));
}

function countedLoss({ losses = [], leader = false }: Measurement, batch: number, epsilon: number): number {
  const loss = losses[batch] ?? Infinity;
  if (!Number.isFinite(loss)) return Infinity;
  return leader ? loss - epsilon * Math.abs(loss) : loss;
}

/** @param counted losses, shape [measurements, batches]; undefined for who has no part in it */
function winsOf(own: readonly number[], i: number, counted: readonly (readonly number[] | undefined)[]): number {
  const isWon = (loss: number, other: number, j: number): boolean => loss < other || (loss === other && Number.isFinite(loss) && i < j);
  return counted.reduce((sum, others, j) => (others === undefined || j === i ? sum : sum + own.filter((loss, k) => isWon(loss, others[k]!, j)).length), 0);
}
