/** What PyTorch's AdamW is told. */
export type AdamWConfig = {
  readonly betas: readonly [number, number];
  readonly weightDecay: number;
};

/** A tensor being trained, with its two moments; all three change in place. */
export type Parameter = {
  readonly name: string;
  readonly shape: readonly number[];
  readonly value: Float32Array;
  readonly moment1: Float32Array;
  readonly moment2: Float32Array;
};

const EPSILON = 1e-8;

/**
 * One step of AdamW (Loshchilov and Hutter 2019) in PyTorch's order, decay first:
 *
 *     p ← p (1 − η λ);  m ← β₁ m + (1 − β₁) g;  v ← β₂ v + (1 − β₂) g²
 *     p ← p − η / (1 − β₁ᵗ) · m / (√v / √(1 − β₂ᵗ) + 1e-8)
 *
 * @param update the number t of this step, from 1; its learning rate η; a factor on the gradient
 */
export function adamwStep(parameter: Parameter, gradient: Float32Array, { betas, weightDecay }: AdamWConfig, update: { t: number; learningRate: number; factor: number }): void {
  const { value, moment1, moment2 } = parameter;
  const { t, learningRate, factor } = update;
  const [beta1, beta2] = betas;
  const keep = 1 - learningRate * weightDecay;
  const stride = learningRate / (1 - beta1 ** t);
  const correction = 1 / Math.sqrt(1 - beta2 ** t);
  for (let i = 0; i < value.length; i++) {
    const g = gradient[i]! * factor;
    const m = beta1 * moment1[i]! + (1 - beta1) * g;
    const v = beta2 * moment2[i]! + (1 - beta2) * g * g;
    moment1[i] = m;
    moment2[i] = v;
    value[i] = keep * value[i]! - (stride * m) / (Math.sqrt(v) * correction + EPSILON);
  }
}

/** Euclidean norm of all gradients together, in float64. */
export function globalNorm(gradients: readonly Float32Array[]): number {
  let sum = 0;
  for (const gradient of gradients) for (let i = 0; i < gradient.length; i++) sum += gradient[i]! * gradient[i]!;
  return Math.sqrt(sum);
}

/** What shrinks gradients of this norm to at most `maxNorm`, as PyTorch's `clip_grad_norm_`. */
export const clipFactor = (norm: number, maxNorm: number): number => Math.min(1, maxNorm / (norm + 1e-6));
