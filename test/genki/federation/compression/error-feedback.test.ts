import { describe, expect, it } from 'vitest';
import { InvalidInput } from '../../../../genki/errors.ts';
import { residualOf, restoreFeedback, withFeedback, withResidual } from '../../../../genki/federation/compression/error-feedback.ts';
import { decodeUpdate, encodeUpdate } from '../../../../genki/federation/compression/update-codec.ts';
import { Codec } from '../../../../genki/protocol/exchange.ts';
import { bitsOf, layoutOfSizes, someUpdate } from './support/vectors.ts';

const codecOf = (feedback: number): Codec => Codec.parse({ kind: 'top-k', chunk: 16, keep: 1, feedback });
const DENSE: Codec = { kind: 'dense' };

describe('error feedback', () => {
  it('keeps what is left out, times the feedback', () => {
    const update = new Float32Array(16);
    update.set([1, -4, 2]);
    const first = withFeedback(codecOf(0.5), { update });
    expect([...first.sent].slice(0, 3)).toEqual([0, -4, 0]);
    expect([...first.residual].slice(0, 3)).toEqual([0.5, 0, 1]);
    const second = withFeedback(codecOf(0.5), { update: first.residual, residual: Float32Array.from(update, (value) => value / 2) });
    expect([...second.sent].slice(0, 3)).toEqual([0, 0, 2].map((value, i) => (i === 1 ? -2 : i === 2 ? 0 : value)));
    expect([...second.residual].slice(0, 3)).toEqual([0.5, 0, 1]);
  });

  it('loses nothing with a feedback of 1: all that was sent and the residual are all updates', () => {
    for (const seed of ['a', 'b', 'c']) {
      const size = 500;
      const [inputs, sums] = [new Float64Array(size), new Float64Array(size)];
      let residual: Float32Array | undefined;
      for (let window = 0; window < 40; window++) {
        const update = someUpdate(size, `${seed}/${window}`);
        const next = withFeedback(codecOf(1), { update, ...(residual && { residual }) });
        // the residual is written and read between two windows, as after a restart
        residual = decodeUpdate(DENSE, encodeUpdate(DENSE, next.residual).file, layoutOfSizes(size));
        update.forEach((value, i) => (inputs[i]! += value));
        decodeUpdate(codecOf(1), next.file, layoutOfSizes(size)).forEach((value, i) => (sums[i]! += value));
      }
      // 40 sums of values below 32, each rounded to 2⁻¹⁹ at most
      for (let i = 0; i < size; i++) expect(Math.abs(sums[i]! + residual![i]! - inputs[i]!)).toBeLessThan(40 * 2 ** -19);
      expect(Math.max(...residual!.map(Math.abs))).toBeLessThan(32);
    }
  });

  it('brings back what nobody took', () => {
    const update = someUpdate(300, 'missed');
    const before = someUpdate(300, 'before');
    const { sent, residual } = withFeedback(codecOf(1), { update, residual: before });
    restoreFeedback(codecOf(1), { residual, sent }).forEach((value, i) => expect(value).toBeCloseTo(update[i]! + before[i]!, 5));
    const half = withFeedback(codecOf(0.5), { update });
    restoreFeedback(codecOf(0.5), half).forEach((value, i) => expect(value).toBeCloseTo(0.5 * update[i]!, 5));
  });

  it('leaves nothing of float32, and brings all of it back', () => {
    const update = someUpdate(50, 'dense');
    const { sent, residual } = withFeedback(DENSE, { update });
    expect(bitsOf(sent).equals(bitsOf(update))).toBe(true);
    expect([...residual].every((value) => value === 0)).toBe(true);
    expect([...restoreFeedback(DENSE, { residual, sent })]).toEqual([...update]);
  });

  it('takes a slice in two halves: what to send before it is known, what is left after', () => {
    const codec: Codec = { kind: 'slice', compression: 2, feedback: 1 };
    const input = withResidual(Float32Array.of(1, 2), Float32Array.of(10, 20));
    expect([...input]).toEqual([11, 22]);
    expect([...residualOf(codec, { input, sent: Float32Array.of(0, 22) })]).toEqual([11, 0]);
    expect(() => withFeedback(codec, { update: input })).toThrow(RangeError);
  });

  it('refuses a residual of another model', () => {
    expect(() => withFeedback(codecOf(1), { update: new Float32Array(3), residual: new Float32Array(4) })).toThrow(InvalidInput);
    expect(() => restoreFeedback(codecOf(1), { residual: new Float32Array(3), sent: new Float32Array(4) })).toThrow('Expected 3 values, got 4');
  });
});
