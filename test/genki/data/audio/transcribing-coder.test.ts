import { expect, it } from 'vitest';
import { compose } from '../../../../genki/data/composer.ts';
import { transcribingCoder } from '../../../../genki/data/audio/transcribing-coder.ts';
import { renderCodes, SAMPLE_RATE } from '../../../../genki/music/apu/synthesizer.ts';
import { Random } from '../../../../genki/protocol/random.ts';

const coder = transcribingCoder({ frames: 128, frameRate: 12 });
const SECONDS = 3;

it('writes down what the chip can play, and says of other sound why not', async () => {
  const random = new Random('noise');
  const noise = Float32Array.from({ length: SECONDS * SAMPLE_RATE }, () => 0.2 * random.normal());
  expect(await coder.encode([noise])).toEqual({ flaw: 'unplayable' });
  expect(await coder.encode([new Float32Array(SECONDS * SAMPLE_RATE)])).toEqual({ flaw: 'silence' });
  const music = renderCodes(compose({ style: 'town', seed: 'coder' }).codes).subarray(0, SECONDS * SAMPLE_RATE);
  const made = await coder.encode([music]);
  expect(made).toMatchObject({ frames: 12 * SECONDS });
  expect('codes' in made && made.codes.length).toBe(4 * 12 * SECONDS);
});
