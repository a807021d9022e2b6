import { heldOut } from '../../genki/data/held-out.ts';
import { accept } from '../../genki/evaluation/acceptance.ts';
import { deduplicate } from '../../genki/evaluation/duplicates.ts';
import type { HoldOut } from '../../genki/evaluation/held-out.ts';
import { Judge } from '../../genki/evaluation/judge.ts';
import type { MinerReport, RoundReport } from '../../genki/evaluation/round-report.ts';
import { settle, type Measurements } from '../../genki/evaluation/settle.ts';
import { coalitions } from '../../genki/evaluation/shapley.ts';
import { similarities } from '../../genki/evaluation/similarity.ts';
import { adapterDelta } from '../../genki/federation/merge.ts';
import { decideNextDama } from '../../genki/federation/next-dama.ts';
import { clipToMedianNorm } from '../../genki/federation/norm-clip.ts';
import { encodeAdapter, updateNorm } from '../../genki/music/lora.ts';
import type { Scorer } from '../../genki/music/scorer.ts';
import { heldOutClips, type HoldOutPart } from '../../genki/protocol/competition.ts';
import { sha256Hex } from '../../genki/protocol/digests.ts';
import type { Actor, Stage } from './cast.ts';

/** A validator's evaluation of a cast in commit order, on hold-outs of one seed: the steps of `measureRound`, in this process. */
export async function evaluate(stage: Stage, scorer: Scorer, { cast, seed }: { cast: readonly Actor[]; seed: string }): Promise<RoundReport> {
  const { base, competition } = stage;
  const { scales, thresholds, policy } = competition;
  const found = similarities(cast.map(({ adapter }) => ({ digest: sha256Hex(encodeAdapter(adapter)), adapter })));
  const { originals, duplicates } = deduplicate(found, thresholds.copyCosine);
  const clipped = clipToMedianNorm(originals.map((i) => updateNorm(cast[i]!.adapter)), { floor: thresholds.normFloor, cap: thresholds.normCap });
  const factors = cast.map((_, i) => clipped[originals.indexOf(i)] ?? 1);
  const deltas = cast.map(({ adapter }) => adapterDelta(adapter));
  const candidates = deltas.map((delta, i) => ({ delta: async () => delta, factor: factors[i]! }));
  const open = (part: HoldOutPart): { judge: Judge; holdOut: HoldOut } => {
    const clips = heldOut({ clips: heldOutClips(competition, part), seed: `${seed}/${part}` });
    const floors = Object.fromEntries(competition.styles.private.map((style) => [style, competition.styles.floors[style]!]));
    const guards = competition.holdOut[part].perBaseStyle > 0 ? competition.styles.base : [];
    return { judge: new Judge({ scorer, base, candidates, clips }), holdOut: { styles: clips.map(({ style }) => style), floors, guards } };
  };

  const A = open('A');
  const acceptance = await accept({ candidates: originals, evaluate: (members, scale) => A.judge.losses(members, scale), holdOut: A.holdOut, scales, thresholds });
  const { accepted, scale } = acceptance;
  const B = open('B');
  const baseB = await B.judge.losses([], 0);
  const alone = [];
  for (const i of cast.keys()) alone.push([...(await B.judge.alone(i))]);
  const values = [];
  for (const members of coalitions(accepted.length)) values.push(await B.judge.losses(members.map((i) => accepted[i]!), scale));
  const C = open('C');
  const before = await C.judge.losses([], 0);
  const after = await C.judge.losses(accepted, scale);
  const merged: Measurements['merged'] = accepted.length === 0 ? undefined : { digest: 'merged', before, after, styles: C.holdOut.styles, next: decideNextDama(before, after, C.holdOut, thresholds) };
  return settle(
    {
      netuid: competition.netuid,
      epoch: 0,
      competition: { id: competition.id, digest: '' },
      snapshot: { number: 0, hash: '' },
      seeds: { hold: seed },
      engine: stage.engine.build,
      policy,
      baseDigest: 'base',
      learned: competition.styles.private,
    },
    {
      scored: cast.map(({ name }, i) => ({ hotkey: name, registeredAt: 0, commitBlock: i, commitIndex: 0 })),
      notScored: [],
      similarities: found,
      duplicates,
      factors,
      base: baseB,
      alone,
      holdOutB: B.holdOut,
      acceptance,
      coalitions: accepted.length === 0 ? [] : values,
      merged,
    },
  );
}

/** Whether a miner got the verdict it should, and is paid exactly if it is accepted. */
export const asExpected = (line: MinerReport, { expected }: Actor): boolean => line.verdict === expected && line.weight > 0 === (expected === 'accepted');
