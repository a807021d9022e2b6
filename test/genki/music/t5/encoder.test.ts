import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Engine } from '../../../../genki/engine/engine.ts';
import { disposeAll, type Feeds } from '../../../../genki/music/feeds.ts';
import type { T5Config } from '../../../../genki/music/t5/config.ts';
import { t5Program } from '../../../../genki/music/t5/encoder.ts';
import { readT5Config } from '../../../../genki/music/t5/read-config.ts';
import { relativeBuckets } from '../../../../genki/music/t5/relative-position.ts';
import { t5Specs } from '../../../../genki/music/t5/weights.ts';
import { decodeSafetensors } from '../../../../genki/protocol/safetensors.ts';
import { machineEngines } from '../support/engines.ts';
import { expectClose, type Golden, golden, goldenBytes, goldenJson, goldens } from '../support/goldens.ts';

/** Relative to the largest state. */
const STATES = 1e-5;

type Case = { readonly config: T5Config; readonly weights: ReadonlyMap<string, { readonly data: ArrayLike<number> }>; readonly ids: Golden; readonly mask: Golden; readonly states: Golden };

function tinyMusicgen(): Case {
  const forward = goldens('forward.safetensors');
  const { text_encoder: json } = goldenJson('tiny-musicgen/config.json') as { text_encoder: unknown };
  const weights = decodeSafetensors(goldenBytes('tiny-musicgen/model.safetensors')).tensors;
  return { config: readT5Config(json), weights, ids: golden(forward, 'input_ids'), mask: golden(forward, 'attention_mask'), states: golden(forward, 'encoder_last_hidden_state') };
}

function ofKind(kind: string): Case {
  const tensors = goldens(`t5/${kind}.safetensors`);
  const { configs } = goldenJson('t5/configs.json') as { configs: Record<string, unknown> };
  return { config: readT5Config(configs[kind]), weights: tensors, ids: golden(tensors, 'input_ids'), mask: golden(tensors, 'attention_mask'), states: golden(tensors, 'states') };
}

const CASES: readonly [string, Case][] = [
  ['of the tiny MusicGen', tinyMusicgen()],
  ['with gated GELU, heads of another size than the states and a text longer than the farthest distance', ofKind('gated')],
  ['with exact GELU', ofKind('gelu')],
];

describe.each(await machineEngines())("T5's encoder on %s", (_, createEngine) => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await createEngine();
  });
  afterAll(() => engine.dispose());

  async function statesOf({ config, weights, ids, mask }: Case, change: (ids: Int32Array) => Int32Array = (same) => same): Promise<Float32Array> {
    const [rows, length] = ids.shape as [number, number];
    const feeds: Feeds = {
      ids: engine.tensor(change(ids.data as Int32Array), [rows, length]),
      mask: engine.tensor(Float32Array.from(mask.data), [rows, length]),
      buckets: engine.tensor(relativeBuckets(config, length), [length, length]),
    };
    for (const { name, shape } of t5Specs(config)) feeds[name] = engine.tensor(weights.get(name)!.data as Float32Array, shape);
    const executable = await engine.compile(t5Program(config));
    const outputs = await executable.run(feeds);
    const states = Float32Array.from(await outputs['states']!.read());
    disposeAll(outputs);
    disposeAll(feeds);
    await executable.dispose();
    return states;
  }

  it.each(CASES)("gives Hugging Face's states, those of padding too: %s", async (_name, one) => {
    expectClose(await statesOf(one), one.states.data, STATES, 'states');
  });

  it.each(CASES)('lets no token see what padding says: %s', async (_name, one) => {
    const { mask, config, ids } = one;
    const said = await statesOf(one);
    const other = await statesOf(one, (same) => same.map((id, i) => (mask.data[i] === 0 ? (id + 1 + (i % 3)) % config.vocabSize : id)));
    const tokens = Array.from(mask.data).flatMap((isToken, i) => (isToken === 1 ? [i] : []));
    expect(tokens.length).toBeLessThan(ids.data.length);
    const ofTokens = (states: Float32Array): number[] => tokens.flatMap((i) => [...states.subarray(i * config.hiddenSize, (i + 1) * config.hiddenSize)]);
    expect(ofTokens(other)).toEqual(ofTokens(said));
    expect([...other]).not.toEqual([...said]);
  });
});
