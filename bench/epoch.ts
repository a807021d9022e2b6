import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import * as z from 'zod';
import { chooseEngine } from '../genki/engine/choose-engine.ts';
import { mergedWeights } from '../genki/music/adapted-net.ts';
import { renderCodes } from '../genki/music/apu/synthesizer.ts';
import { technicalGate } from '../genki/music/apu/technical-gate.ts';
import { Generator } from '../genki/music/generator.ts';
import { Scorer } from '../genki/music/scorer.ts';
import { RUBY } from '../genki/protocol/ruby.ts';
import type { TensorMap } from '../genki/protocol/safetensors.ts';
import type { Context } from './context.ts';
import { type Actor, copiers, type Stage, trainHonest } from './federation/cast.ts';
import { evaluate } from './federation/evaluation.ts';
import { type Figure, figureOf } from './figure.ts';
import { inTurns, timed } from './in-turns.ts';
import { readWorkload, THREADS } from './workload.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const VALIDATORS = 2;
const TURNS = 3;

const Result = z.looseObject({ miners: z.array(z.looseObject({ weight: z.number() })) });

/**
 * A whole `npm start` beside its work done by the library in one process: no Temporal, chain, store or second runner,
 * nothing kept, nothing to carry on with. The difference is what durability costs, and what two runners side by side
 * win back.
 */
export async function epoch({ folder, note }: Context): Promise<Figure[]> {
  let turn = 0;
  const paid = { ours: 0, peer: 0 };
  const medians = await inTurns({
    ours: (times) => timed(times, async () => { paid.ours = await network(join(folder, `network-${turn}`)); }),
    peer: (times) => timed(times, async () => { paid.peer = await library(join(folder, `library-${turn}`), `epoch/${turn++}`); }),
  }, { turns: TURNS, each: 1, note });
  if (paid.ours !== paid.peer) note(`epoch: the network paid ${paid.ours} miners and the library ${paid.peer}, so they did not do quite the same work; run it again.`);
  return [figureOf({ name: 'epoch', unit: 's', ours: medians.ours / 1000, peer: medians.peer === null ? null : medians.peer / 1000, peerName: `the library alone, ${THREADS} threads` })];
}

/**
 * Runs `npm start` in a home of its own.
 * @returns how many miners it paid
 */
async function network(home: string): Promise<number> {
  const child = spawn(process.execPath, ['--import', 'tsx', join('client', 'main.ts'), 'start', '--json', '--any-ports'], { cwd: ROOT, env: { ...process.env, GENKI_HOME: home }, stdio: ['ignore', 'pipe', 'pipe'] });
  const [said, complained, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'exit') as Promise<[number | null]>]);
  if (code !== 0) throw new Error(`epoch: expected the epoch to end well, it exited with ${code}:\n${complained}`);
  return Result.parse(JSON.parse(said)).miners.filter(({ weight }) => weight > 0).length;
}

/**
 * The same miners one after another, then the same evaluation once for each validator.
 * @returns how many miners it would pay
 */
async function library(cacheDir: string, seed: string): Promise<number> {
  const { music, weights: base } = await readWorkload();
  const engine = await chooseEngine({ threads: THREADS });
  try {
    const stage: Stage = { engine, music, base, competition: RUBY, cacheDir };
    const honest = await trainHonest(stage, seed);
    const cast = [...honest, ...copiers(honest, seed)];
    let paid = 0;
    for (let validator = 0; validator < VALIDATORS; validator++) {
      await listen(stage, cast, seed);
      const scorer = await Scorer.create(engine, music);
      const { miners } = await evaluate(stage, scorer, { cast, seed });
      await scorer.dispose();
      paid = miners.filter(({ weight }) => weight > 0).length;
    }
    return paid;
  } finally {
    await engine.dispose();
  }
}

/** What a validator plays and hears: each submission, and the Dama before and after, which takes as long as before. */
async function listen({ engine, music, base, competition }: Stage, cast: readonly Actor[], seed: string): Promise<void> {
  const { generation, music: { frames, frameRate } } = competition;
  const prompts = competition.styles.private.slice(0, generation.clips);
  const play = async (weights: TensorMap): Promise<void> => {
    const generator = await Generator.create(engine, music, weights);
    const codes = await generator.generate({ ...generation, prompts, frames, seed });
    await generator.dispose();
    technicalGate(codes.map((clip) => renderCodes(clip, { frameRate })), codes);
  };
  for (const { adapter } of cast) await play(mergedWeights(base, adapter));
  await play(base);
  await play(base);
}
