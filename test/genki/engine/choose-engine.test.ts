import { describe, expect, it } from 'vitest';
import { availableEngines, chooseEngine, engineNames } from '../../../genki/engine/choose-engine.ts';

describe('chooseEngine', () => {
  it('takes the one that is preferred', async () => {
    expect((await chooseEngine({ prefer: 'tfjs-cpu', threads: 1 })).name).toBe('tfjs-cpu');
  });

  it('takes the best that is there when none is preferred', async () => {
    const best = (await availableEngines()).find(({ ok }) => ok)!;
    expect((await chooseEngine({ threads: 1 })).name).toBe(best.name);
  });

  it.each(['pytorch', 'toString', ''])('refuses the unknown engine %j and names those that it knows', async (prefer) => {
    await expect(chooseEngine({ prefer, threads: 1 })).rejects.toThrow(`Expected an engine of ${engineNames.join(', ')}, got ${prefer}`);
  });

  it.each([0, 1.5, Number.NaN])('refuses %d threads', async (threads) => {
    await expect(chooseEngine({ prefer: 'onnx', threads })).rejects.toThrow(/Expected 1 thread or more/);
  });
});

describe('availableEngines', () => {
  it('lists every engine, best first, with the reason where one is not there', async () => {
    const engines = await availableEngines();
    expect(engines.map(({ name }) => name)).toEqual(['tfjs-node-gpu', 'onnx', 'tfjs-node', 'tfjs-wasm', 'tfjs-cpu']);
    expect(engines).toContainEqual({ name: 'tfjs-cpu', ok: true });
    for (const { name, ok, reason } of engines) expect(ok ? '' : reason).toMatch(ok ? /^$/ : new RegExp(`^${name}: .+`));
  });
});
