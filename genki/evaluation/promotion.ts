import { lossByStyle, type Losses } from './held-out.ts';

/** Mean held-out loss of one style, nats per code: of the base alone, with the version before, with the candidate. Null where it is no finite number. */
export type StyleLosses = { readonly base: number | null; readonly before: number | null; readonly after: number | null };

export type Promotion = {
  readonly losses: Readonly<Record<string, StyleLosses>>;
  /** Why it is not to be the next version; undefined when it is. */
  readonly refused?: string;
};

/**
 * Whether an adapter may follow another one (protocol §6.24): the mean of its losses over all styles, each of equal weight,
 * those that the base knows already among them, is not above the one before's by more than the tolerance. What is worse than
 * the one before is held to the base, too: hop by hop the tolerance would else lead anywhere.
 *
 * @param of losses on the same clips; `before` of the base where there is no adapter yet
 * @param tolerance nats per code
 */
export function judgePromotion({ styles, base, before, after }: { readonly styles: readonly string[]; readonly base: Losses; readonly before: Losses; readonly after: Losses }, tolerance: number): Promotion {
  const [alone, were, are] = [base, before, after].map((losses) => lossByStyle(losses, styles)) as [Record<string, number>, Record<string, number>, Record<string, number>];
  const names = Object.keys(are);
  const losses = Object.fromEntries(names.map((style): [string, StyleLosses] => [style, { base: finite(alone[style]!), before: finite(were[style]!), after: finite(are[style]!) }]));
  const [was, is] = [meanOf(were, names), meanOf(are, names)];
  if (!Number.isFinite(is)) return { losses, refused: 'Expected a finite held-out loss, got one that is not' };
  const most = Math.max(was, Math.min(was, meanOf(alone, names)) + tolerance);
  if (is <= most) return { losses };
  return { losses, refused: `Expected a held-out loss of at most ${most.toFixed(4)} nats a code, got ${is.toFixed(4)}` };
}

const meanOf = (losses: Readonly<Record<string, number>>, styles: readonly string[]): number => styles.reduce((sum, style) => sum + losses[style]!, 0) / styles.length;
const finite = (loss: number): number | null => (Number.isFinite(loss) ? loss : null);
