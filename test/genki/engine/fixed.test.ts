import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { availableEngines, chooseEngine } from '../../../genki/engine/choose-engine.ts';
import type { Engine, Program } from '../../../genki/engine/engine.ts';
import { EngineError } from '../../../genki/errors.ts';

/** y = x Wᵀ + rows of a table. */
const program: Program = {
  name: 'fixed',
  inputs: { x: { shape: ['B', 3], dtype: 'float32' }, w: { shape: [2, 3], dtype: 'float32' }, table: { shape: [4, 2], dtype: 'float32' }, ids: { shape: [1], dtype: 'int32' } },
  build: (ops, { x, w, table, ids }) => ({ y: ops.add(ops.matmul(x!, w!, { transposeB: true }), ops.gather(table!, ids!)) }),
};
const w = { values: Float32Array.of(1, 2, 3, 4, 5, 6), shape: [2, 3] };
const table = { values: Float32Array.of(0, 0, 10, 20, 0, 0, 0, 0), shape: [4, 2] };
const ids = { values: Int32Array.of(1), shape: [1] };

const names = (await availableEngines()).filter(({ ok }) => ok).map(({ name }) => name);

describe.each(names)('Fixed inputs on %s', (name) => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await chooseEngine({ prefer: name, threads: 2 });
  });
  afterAll(() => engine.dispose());

  it('count as if they were fed, and are not fed', async () => {
    const executable = await engine.compile(program, { w, table, ids });
    const x = engine.tensor(Float32Array.of(1, 0, -1, 1, 1, 1), [2, 3]);
    const { y } = await executable.run({ x });
    expect([...(await y!.read())]).toEqual([8, 18, 16, 35]);
    await expect(executable.run({ x, w: engine.tensor(w.values, w.shape) })).rejects.toThrow('unknown feed w');
    await executable.dispose();
  });

  it('may be some of the inputs', async () => {
    const executable = await engine.compile(program, { w });
    const feeds = { x: engine.tensor(Float32Array.of(1, 0, -1), [1, 3]), table: engine.tensor(table.values, table.shape), ids: engine.tensor(ids.values, ids.shape) };
    for (let run = 0; run < 2; run++) expect([...(await (await executable.run(feeds)).y!.read())]).toEqual([8, 18]);
    await executable.dispose();
  });

  it.each([
    ['v', w, 'that is an input'],
    ['w', { ...w, shape: [3, 2] }, 'expected a fixed w of float32 [2, 3], got float32 [3, 2]'],
    ['w', { values: new Int32Array(6), shape: [2, 3] }, 'got int32'],
    ['w', { values: new Float32Array(5), shape: [2, 3] }, 'got 5'],
    ['x', { values: new Float32Array(3), shape: [1, 3] }, 'expected a fixed x of float32 [B, 3]'],
  ])('are refused when they are not the input %s', async (input, values, message) => {
    const compiling = engine.compile(program, { [input]: values });
    await expect(compiling).rejects.toThrow(EngineError);
    await expect(compiling).rejects.toThrow(message);
  });
});
