import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Engine } from '../../../genki/engine/engine.ts';
import { activate } from '../../../genki/music/activation.ts';
import type { Activation } from '../../../genki/music/config.ts';
import { createEngine } from './support/engines.ts';

const AT = Float32Array.of(-3, -1, -0.5, 0, 0.5, 1, 3);
/** Of transformers' `ACT2FN` in float64. */
const EXPECTED: Record<Activation, readonly number[]> = {
  gelu: [-0.00404969409489031, -0.15865525393145702, -0.15426876936299344, 0, 0.34573123063700656, 0.841344746068543, 2.99595030590511],
  gelu_new: [-0.0036373920817729943, -0.1588080093917233, -0.15428599017485606, 0, 0.34571400982514394, 0.8411919906082768, 2.996362607918227],
  relu: [0, 0, 0, 0, 0.5, 1, 3],
};

describe('activate', () => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await createEngine();
  });
  afterAll(() => engine.dispose());

  it.each(Object.keys(EXPECTED) as Activation[])("gives transformers' values: %s", async (activation) => {
    const program = await engine.compile({ name: activation, inputs: { x: { shape: [AT.length], dtype: 'float32' } }, build: (ops, { x }) => ({ y: activate(ops, x!, activation) }) });
    const { y } = await program.run({ x: engine.tensor(AT, [AT.length]) });
    expect([...(await y!.read())]).toEqual(EXPECTED[activation].map((value) => expect.closeTo(value, 6) as number));
    await program.dispose();
  });
});
