import { heldOut } from '../../genki/data/held-out.ts';
import { gradientAgreement } from '../../genki/evaluation/agreement.ts';
import { gradientOf } from '../../genki/music/gradient.ts';
import type { JudgeInput } from './judge.ts';
import type { Job } from './job.ts';

/** Cosine of each candidate's update with the validator's own descent direction on the part, in [−1, 1]. */
export type AgreeJob = { input: JudgeInput; output: readonly number[] };

export const agreeJob: Job<AgreeJob> =
  ({ engine, cache }) =>
  async ({ base, lora, candidates, part }, control) => {
    const { music, weights } = await cache.dama(base);
    const clips = heldOut({ clips: part.clips, seed: part.seed }).filter(({ style }) => Object.hasOwn(part.floors, style));
    let goOn = await control.progress({ clips: clips.length });
    const gradient = await gradientOf(engine, music, { weights, clips, onBatch: async () => { goOn &&= await control.progress({ clips: clips.length }); } });
    const agreements: number[] = [];
    for (const { adapter } of candidates) {
      if (!goOn) return undefined;
      agreements.push(gradientAgreement(await cache.delta(adapter, music, lora), gradient));
      goOn = await control.progress({ compared: agreements.length });
    }
    return agreements;
  };
