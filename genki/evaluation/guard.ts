import { lossByStyle, type HoldOut, type Losses } from './held-out.ts';

/** The guarded style that suffers most, and by how much its loss rose, nats per code. */
export type Forgetting = { readonly style: string; readonly loss: number };

/**
 * What a model forgot of the styles that the base knows.
 * @returns the guarded style whose loss rose most; nothing when no style is guarded
 */
export function forgetting(base: Losses, merged: Losses, { styles, guards }: HoldOut): Forgetting | undefined {
  const before = lossByStyle(base, styles);
  const after = lossByStyle(merged, styles);
  return guards
    .map((style) => ({ style, loss: Number.isFinite(after[style]) ? after[style]! - before[style]! : Infinity }))
    .reduce<Forgetting | undefined>((worst, one) => (worst === undefined || one.loss > worst.loss ? one : worst), undefined);
}
