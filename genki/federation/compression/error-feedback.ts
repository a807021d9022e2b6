import { InvalidInput } from '../../errors.ts';
import type { Codec } from '../../protocol/exchange.ts';
import { encodeUpdate } from './update-codec.ts';

/**
 * The file of an update and of what earlier windows left out, and what it leaves out itself (error feedback, Seide et al.
 * 2014): with a feedback of 1 all that was sent, and the last residual, are all updates, to the rounding of float32.
 * @param residual of the window before; none in the first
 * @throws {InvalidInput} when the lengths differ, or a value is not finite
 * @throws {RangeError} for the codec `slice`: `encodeSlice` of `withResidual`, and `residualOf` once the slice is known
 */
export function withFeedback(codec: Codec, { update, residual }: { update: Float32Array; residual?: Float32Array }): { file: Uint8Array; sent: Float32Array; residual: Float32Array } {
  const input = withResidual(update, residual);
  const { file, sent } = encodeUpdate(codec, input);
  return { file, sent, residual: residualOf(codec, { input, sent }) };
}

/** What a window has to send: its update and what earlier ones left out. */
export function withResidual(update: Float32Array, residual: Float32Array | undefined): Float32Array {
  const input = update.slice();
  if (residual === undefined) return input;
  checkLengths(update, residual);
  for (let i = 0; i < input.length; i++) input[i]! += residual[i]!;
  return input;
}

/** What is left for later windows: feedback * (input - sent). */
export function residualOf(codec: Codec, { input, sent }: { input: Float32Array; sent: Float32Array }): Float32Array {
  checkLengths(input, sent);
  const feedback = feedbackOf(codec);
  return input.map((value, i) => feedback * (value - sent[i]!));
}

/**
 * The residual after a window that was not taken, as if nothing had been sent: feedback * input, which is
 * residual + feedback * sent. What others never added is not lost.
 */
export function restoreFeedback(codec: Codec, { residual, sent }: { residual: Float32Array; sent: Float32Array }): Float32Array {
  checkLengths(residual, sent);
  const feedback = feedbackOf(codec);
  return residual.map((value, i) => value + feedback * sent[i]!);
}

const feedbackOf = (codec: Codec): number => (codec.kind === 'dense' ? 1 : codec.feedback);

function checkLengths({ length }: Float32Array, other: Float32Array): void {
  if (other.length !== length) throw new InvalidInput(`Expected ${length} values, got ${other.length}`);
}
