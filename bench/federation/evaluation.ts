import { heldOut } from '../../genki/data/held-out.ts';
import { accept } from '../../genki/evaluation/acceptance.ts';
import { deduplicate } from '../../genki/evaluation/duplicates.ts';
import { lossByStyle, type HoldOut } from '../../genki/evaluation/held-out.ts';
import { Judge, type Candidate } from '../../genki/evaluation/judge.ts';
import type { MinerReport, RoundReport } from '../../genki/evaluation/round-report.ts';
import { relativeGain } from '../../genki/evaluation/relative-gain.ts';
import { settle, type Measurements } from '../../genki/evaluation/settle.ts';
import { coalitions } from '../../genki/evaluation/shapley.ts';
import { closestEarlier, gramMatrix } from '../../genki/evaluation/similarity.ts';
import { adapterDelta } from '../../genki/federation/merge.ts';
import { decideNextDama } from '../../genki/federation/next-dama.ts';
import { encodeAdapter } from '../../genki/music/lora.ts';
import type { Scorer } from '../../genki/music/scorer.ts';
import { heldOutClips, type HoldOutPart } from '../../genki/protocol/competition.ts';
import { sha256Hex } from '../../genki/protocol/digests.ts';
import type { Actor, Stage } from './cast.ts';

/** A validator's evaluation of a cast in commit order, on hold-outs of one seed: the steps of `measureRound`, in this process. */
export async function evaluate(stage: Stage, scorer: Scorer, { cast, seed }: { cast: readonly Actor[]; seed: string }): Promise<RoundReport> {
  const { base, competition } = stage;
  const { scales, thresholds } = competition;
  const digests = cast.map(({ adapter }) => sha256Hex(encodeAdapter(adapter)));
  const gram = gramMatrix(cast.map(({ adapter }) => adapter));
  const found = cast.map((_, i) => closestEarlier({ digests, gram, copyCosine: thresholds.copyCosine }, i));
  const { originals, duplicates } = deduplicate(found, thresholds.copyCosine);
  const deltas = cast.map(({ adapter }) => adapterDelta(adapter));
  const whole = deltas.map((delta): Candidate => ({ delta: async () => delta, factor: 1 }));
  const open = (part: HoldOutPart, candidates: readonly Candidate[] = whole): { judge: Judge; holdOut: HoldOut } => {
    const clips = heldOut({ clips: heldOutClips(competition, part), seed: `${seed}/${part}` });
    const floors = Object.fromEntries(competition.styles.private.map((style) => [style, competition.styles.floors[style]!]));
    const guards = competition.holdOut[part].perBaseStyle > 0 ? competition.styles.base : [];
    return { judge: new Judge({ scorer, base, candidates, clips }), holdOut: { styles: clips.map(({ style }) => style), floors, guards } };
  };

  const A = open('A');
  const acceptance = await accept({ candidates: originals, gram, evaluate: (terms) => A.judge.lossesOf(terms), holdOut: A.holdOut, scales, thresholds });
  const { accepted, scale, factors, residuals } = acceptance;
  const merging = whole.map((candidate, i): Candidate => ({ ...candidate, factor: factors[i]!, residual: residuals[i]! }));
  const B = open('B', merging);
  const baseB = await B.judge.losses([], 0);
  const alone = [];
  for (const i of cast.keys()) alone.push(await B.judge.alone(i));
  const values = [];
  for (const members of coalitions(accepted.length)) values.push(await B.judge.losses(members.map((i) => accepted[i]!), scale));
  const C = open('C', merging);
  const before = await C.judge.losses([], 0);
  const after = await C.judge.losses(accepted, scale);
  const merged: Measurements['merged'] = accepted.length === 0 ? undefined : { digest: 'merged', before, after, styles: C.holdOut.styles, next: decideNextDama(before, after, C.holdOut, thresholds) };
  return settle(factsOf(stage, { seed, floors: B.holdOut.floors }), {
    scored: cast.map(({ name }, i) => ({ hotkey: name, registeredAt: 0, commitBlock: i, commitIndex: 0, update: null })),
    notScored: [],
    compared: { similarities: found, duplicates, ledger: null },
    base: baseB,
    alone: alone.map((losses) => lossByStyle(losses, B.holdOut.styles)),
    holdOutB: B.holdOut,
    acceptance,
    coalitions: { kind: 'exact', values: accepted.length === 0 ? [] : values.map((losses) => relativeGain(baseB, losses, B.holdOut)) },
    heard: undefined,
    merged,
  });
}

/** A round of a network that there is not. */
function factsOf({ engine, competition: { id, netuid, policy, overTime } }: Stage, { seed, floors }: { seed: string; floors: HoldOut['floors'] }): Parameters<typeof settle>[0] {
  const nowhere = { bucket: '', key: '', sha256: '', bytes: 0 };
  return {
    netuid,
    epoch: 0,
    competition: { id, digest: '' },
    snapshot: { number: 0, hash: '' },
    seeds: { hold: seed },
    engine: engine.build,
    policy,
    overTime,
    base: { digest: 'base', weights: nowhere, config: nowhere },
    floors,
    past: { scores: null, leader: null, ledger: null },
    lastScale: null,
  };
}

/** Whether a miner got the verdict it should, and is paid exactly if it is accepted. */
export const asExpected = (line: MinerReport, { expected }: Actor): boolean => line.verdict === expected && line.weight > 0 === (expected === 'accepted');
