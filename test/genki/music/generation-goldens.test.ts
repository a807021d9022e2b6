import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Engine } from '../../../genki/engine/engine.ts';
import { batchOfLabels } from '../../../genki/music/batch.ts';
import { delayCodes } from '../../../genki/music/delay-pattern.ts';
import { disposeAll, idFeeds, sequenceFeeds, textFeeds } from '../../../genki/music/feeds.ts';
import { Generator } from '../../../genki/music/generator.ts';
import { forwardProgram } from '../../../genki/music/programs.ts';
import { ResidentWeights } from '../../../genki/music/resident-weights.ts';
import { guide, warpScores } from '../../../genki/music/sampling.ts';
import { withUnconditional } from '../../../genki/music/text.ts';
import { pickWeights, weightSpecs } from '../../../genki/music/weights.ts';
import { decodeSafetensors } from '../../../genki/protocol/safetensors.ts';
import { machineEngines } from './support/engines.ts';
import { expectClose, golden, goldenBytes, goldens, TINY, tinyText } from './support/goldens.ts';

const [CLIPS, K, V, FRAMES] = [2, 4, 64, 20];
const GREEDY = { frames: FRAMES, seed: 'goldens', temperature: 0, topK: 0 };
const weights = pickWeights(TINY, decodeSafetensors(goldenBytes('tiny-musicgen/model.safetensors')).tensors);
const generate = goldens('generate.safetensors');
const clipsOf = (name: string): number[][] => {
  const { data, shape } = golden(generate, name);
  const size = K * shape[2]!;
  return Array.from({ length: CLIPS }, (_, i) => [...data.slice(i * size, (i + 1) * size)]);
};

describe.each(await machineEngines())('Generation on %s', (_, createEngine) => {
  let engine: Engine;
  let generator: Generator;
  beforeAll(async () => {
    engine = await createEngine();
    generator = await Generator.create(engine, TINY, weights);
  });
  afterAll(async () => {
    await generator.dispose();
    await engine.dispose();
  });

  it("continues a prompt of codes as Hugging Face's generate does", async () => {
    const start = clipsOf('continue.prompt').map((codes) => ({ codes: Uint8Array.from(codes), frames: 5 }));
    const clips = await generator.generateFrom(tinyText(), { ...GREEDY, guidance: 3, start });
    expect(clips.map((codes) => [...codes])).toEqual(clipsOf('continue.codes'));
  });

  it('goes on as it did when it is given the beginning of what it composed', async () => {
    const request = { ...GREEDY, guidance: 3, temperature: 1 };
    const whole = await generator.generateFrom(tinyText(), request);
    for (const frames of [1, 19]) {
      const start = whole.map((codes) => ({ codes: codes.filter((_code, i) => i % FRAMES < frames), frames }));
      expect(await generator.generateFrom(tinyText(), { ...request, start })).toEqual(whole);
    }
  });

  /** Logits of the first positions of the greedy clips, as transformers lists them: [position][row · K + codebook]. */
  async function firstLogits(guidance: 1 | 3, positions: number): Promise<Float32Array[][]> {
    const clips = clipsOf(`greedy.g${guidance}.codes`);
    const text = guidance === 1 ? tinyText() : withUnconditional(tinyText());
    const labels = new Int32Array(text.rows * positions * K);
    for (let row = 0; row < text.rows; row++) {
      const delayed = delayCodes(clips[row % CLIPS]!, { layout: TINY.decoder, frames: FRAMES }, -100);
      for (let p = 0; p < positions; p++) for (let k = 0; k < K; k++) labels[(row * positions + p) * K + k] = delayed[(k * delayed.length) / K + p]!;
    }
    const batch = batchOfLabels(TINY.decoder, labels, text);
    const resident = new ResidentWeights(engine, weightSpecs(TINY));
    resident.load(weights);
    const executable = await engine.compile(forwardProgram(TINY));
    const own = { ...sequenceFeeds(engine, TINY.decoder, positions), ...idFeeds(engine, batch), ...textFeeds(engine, text) };
    const outputs = await executable.run({ ...resident.feeds(), ...own });
    const logits = Float32Array.from(await outputs['logits']!.read());
    for (const feeds of [outputs, own]) disposeAll(feeds);
    resident.dispose();
    await executable.dispose();
    return Array.from({ length: positions }, (_p, p) => Array.from({ length: text.rows * K }, (_r, i) => {
      const at = ((Math.floor(i / K) * positions + p) * K + (i % K)) * V;
      return logits.slice(at, at + V);
    }));
  }

  it.each([1, 3] as const)("has Hugging Face's scores at the first positions at guidance %i", async (guidance) => {
    const rows = CLIPS * K;
    const logits = await firstLogits(guidance, 3);
    expectClose(logits.flat().flatMap((row) => [...row]), golden(generate, `greedy.g${guidance}.logits.first3`).data, 1e-5, 'logits');
    const scores = logits.flatMap((all) => Array.from({ length: rows }, (_r, i) => warpScores(guidance === 1 ? all[i]! : guide(all[i]!, all[rows + i]!, guidance), GREEDY)));
    expectClose(scores.flatMap((row) => [...row]), golden(generate, `greedy.g${guidance}.scores.first3`).data, 1e-5, 'scores');
  });
});
