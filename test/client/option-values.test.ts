import { InvalidArgumentError } from 'commander';
import { describe, expect, it } from 'vitest';
import { between, duration, whole } from '../../client/option-values.ts';

describe('the value of an option', () => {
  it('is what it says, within its bounds', () => {
    expect([whole(0, 9)('0'), whole(0, 9)('9'), between(0, 1)('0.5'), duration(0, 5000)('2s')]).toEqual([0, 9, 0.5, 2000]);
  });

  // a command line of a script may have a variable in it that is not set: --to "$BASE" is not --to 0
  it.each(['', ' ', '\t'])('is nothing where there is nothing: %j', (text) => {
    for (const parse of [whole(0, 9), between(0, 1), duration(0, 5000)]) expect(() => parse(text)).toThrow(InvalidArgumentError);
  });

  it.each(['-1', '10', '1.5', 'x', '1e400', 'NaN', '3 4'])('is refused with what was expected: %s', (text) => {
    expect(() => whole(0, 9)(text)).toThrow('expected a whole number from 0 to 9');
  });
});
