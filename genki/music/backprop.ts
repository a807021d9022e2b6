import type { Parameter } from './adamw.ts';
import type { Batch } from './batch.ts';

/** A loss, and its gradients in the order of the parameters. */
export type Slope = {
  /** In nats per code, where the batch's weights sum to 1. */
  readonly loss: number;
  /** Valid until `release`. */
  readonly gradients: readonly Float32Array[];
  release(): void;
};

export type OnPart = () => Promise<void>;

/** Finds where the loss of a batch falls. */
export interface Backprop {
  /** @param onPart told after each part of the work, for whoever has to show that it goes on */
  run(batch: Batch, parameters: readonly Parameter[], onPart?: OnPart): Promise<Slope>;
  dispose(): Promise<void>;
}

/** The slope of batches that are parts of one: the sums, each added to in the order of the parts, as float32. */
export async function slopeOf(backprop: Backprop, parts: readonly Batch[], { parameters, onPart }: { parameters: readonly Parameter[]; onPart?: OnPart | undefined }): Promise<Slope> {
  const [first, ...rest] = parts;
  if (first === undefined) throw new RangeError('Expected a batch, got none');
  const slope = await backprop.run(first, parameters, onPart);
  if (rest.length === 0) return slope;
  const gradients = slope.gradients.map((values) => values.slice());
  slope.release();
  let { loss } = slope;
  for (const part of rest) {
    const more = await backprop.run(part, parameters, onPart);
    loss += more.loss;
    more.gradients.forEach((values, i) => add(gradients[i]!, values));
    more.release();
  }
  return { loss, gradients, release: () => {} };
}

function add(sum: Float32Array, values: Float32Array): void {
  for (let i = 0; i < sum.length; i++) sum[i]! += values[i]!;
}
