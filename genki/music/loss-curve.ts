/** One step of a training run: its loss before the step, in nats per code, and the length of the gradient before it was shortened. */
export type LossPoint = { readonly step: number; readonly loss: number; readonly learningRate: number; readonly gradNorm: number };

/** The steps of a run in order. */
export type LossCurve = readonly LossPoint[];

/** As JSON, a step a line; the same curve gives the same bytes. */
export const encodeLossCurve = (curve: LossCurve): Uint8Array => new TextEncoder().encode(`[\n${curve.map((point) => JSON.stringify(point)).join(',\n')}\n]\n`);
