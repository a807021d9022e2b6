import { describe, expect, it } from 'vitest';
import { fourierTransform } from '../../../../genki/evaluation/clap/fft.ts';
import { Random } from '../../../../genki/protocol/random.ts';

describe('fourierTransform', () => {
  it('takes 1, 2, 3, 4 apart by hand', () => {
    const real = Float64Array.of(1, 2, 3, 4);
    const imaginary = new Float64Array(4);
    fourierTransform(4)(real, imaginary);
    // 1 + 2 + 3 + 4, (1 − 3) + i (4 − 2), 1 − 2 + 3 − 4, (1 − 3) − i (4 − 2)
    [10, -2, -2, -2].forEach((x, k) => expect(real[k]).toBeCloseTo(x, 14));
    [0, 2, 0, -2].forEach((x, k) => expect(imaginary[k]).toBeCloseTo(x, 14));
  });

  it.each([2, 8, 64, 256])('of %i numbers is the sum that defines it', (size) => {
    const random = new Random(`fft/${size}`);
    const [x, y] = [0, 1].map(() => Float64Array.from({ length: size }, () => random.normal()));
    const [real, imaginary] = [x!.slice(), y!.slice()];
    fourierTransform(size)(real, imaginary);
    for (let k = 0; k < size; k++) {
      let [re, im] = [0, 0];
      for (let n = 0; n < size; n++) {
        const angle = (-2 * Math.PI * ((k * n) % size)) / size;
        re += x![n]! * Math.cos(angle) - y![n]! * Math.sin(angle);
        im += x![n]! * Math.sin(angle) + y![n]! * Math.cos(angle);
      }
      expect(real[k]).toBeCloseTo(re, 10);
      expect(imaginary[k]).toBeCloseTo(im, 10);
    }
  });

  it.each([0, 1, 3, 1000, 4.5])('refuses the size %f', (size) => {
    expect(() => fourierTransform(size)).toThrow(new RangeError(`Expected a power of two, got ${size}`));
  });
});
