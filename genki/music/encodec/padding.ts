import type { EncodecConfig } from './config.ts';
import type { Conv, ConvTranspose } from './layers.ts';

export type Ends = { readonly left: number; readonly right: number };

/** The samples that a kernel reaches over. */
export const reachOf = ({ kernel, dilation }: Conv): number => (kernel - 1) * dilation + 1;

/**
 * What a convolution adds to the ends of its input: reach − stride in all, at the left where it is causal, else the half
 * at each end and the odd one at the left; and at the right what the last window lacks of a whole one.
 */
export function convPadding({ isCausal }: Pick<EncodecConfig, 'isCausal'>, conv: Conv, length: number): Ends {
  const total = reachOf(conv) - conv.stride;
  const right = isCausal ? 0 : Math.floor(total / 2);
  const missing = Math.ceil(length / conv.stride) * conv.stride - length;
  return { left: total - right, right: right + missing };
}

/** What is cut off the ends of a transposed convolution's output: kernel − stride in all. */
export function transposeTrim({ isCausal, trimRightRatio }: Pick<EncodecConfig, 'isCausal' | 'trimRightRatio'>, { kernel, stride }: ConvTranspose): Ends {
  const total = kernel - stride;
  const right = isCausal ? Math.ceil(total * trimRightRatio) : Math.floor(total / 2);
  return { left: total - right, right };
}
