import { heldOut } from '../../genki/data/held-out.ts';
import { accept, type Acceptance } from '../../genki/evaluation/acceptance.ts';
import type { AcceptThresholds } from '../../genki/evaluation/verdict.ts';
import type { HoldOut, Losses } from '../../genki/evaluation/held-out.ts';
import { Judge } from '../../genki/evaluation/judge.ts';
import { encodeMerged } from '../../genki/federation/merged-dama.ts';
import type { LoraConfig } from '../../genki/music/lora.ts';
import type { Dama } from '../../genki/protocol/dama.ts';
import type { ObjectRef } from '../../genki/store/object-store.ts';
import type { Control, Job, JobDeps } from './job.ts';

/** One part of the hold-out, as the composer makes it anew from the round's seed. */
export type HoldOutPart = { readonly clips: Readonly<Record<string, number>>; readonly seed: string; readonly floors: HoldOut['floors']; readonly guards: HoldOut['guards'] };

/** What all of a round's model work starts from. */
export type JudgeInput = {
  readonly base: Dama;
  readonly lora: LoraConfig;
  /** In commit order. `factor` clips the norm. */
  readonly candidates: readonly { readonly adapter: ObjectRef; readonly factor: number }[];
  readonly part: HoldOutPart;
};

/** Losses of one model on the clips of a part, nats per code, in the part's order. */
export type Measured = { readonly styles: readonly string[]; readonly base: Losses; readonly alone: readonly Losses[]; readonly engine: string };
export type MeasureJob = { input: JudgeInput; output: Measured };
export type AcceptJob = { input: JudgeInput & { readonly among: readonly number[]; readonly scales: readonly number[]; readonly lastScale?: number; readonly thresholds: AcceptThresholds }; output: Acceptance };
export type ValueJob = { input: JudgeInput & { readonly coalitions: readonly (readonly number[])[]; readonly scale: number }; output: readonly Losses[] };
export type MergeJob = {
  input: JudgeInput & { readonly members: readonly number[]; readonly scale: number; readonly bucket: string };
  output: { readonly dama: Dama; readonly styles: readonly string[]; readonly before: Losses; readonly after: Losses };
};

/** The base, and each candidate alone as its miner made it. */
export const measureJob: Job<MeasureJob> = (deps) => async (input, control) => {
  const { judge, styles, stopped } = await open(deps, input, control, input.candidates.length + 1);
  const base = await judge.losses([], 0);
  const alone: Losses[] = [];
  for (let i = 0; i < input.candidates.length && !stopped(); i++) alone.push(await judge.alone(i));
  return stopped() ? undefined : { styles, base, alone, engine: deps.engine.build };
};

/** Which candidates are worth merging, and at which scale. */
export const acceptJob: Job<AcceptJob> = (deps) => async (input, control) => {
  const { judge, holdOut, stopped } = await open(deps, input, control);
  const { among, scales, lastScale, thresholds } = input;
  const stop = new Error('stopped');
  const evaluate = async (members: readonly number[], scale: number): Promise<Losses> => {
    if (stopped()) throw stop;
    return await judge.losses(members, scale);
  };
  try {
    return await accept({ candidates: among, evaluate, holdOut, scales, thresholds, ...(lastScale !== undefined && { lastScale }) });
  } catch (error) {
    if (error === stop) return undefined;
    throw error;
  }
};

/** Losses of some coalitions, in the order asked for. */
export const valueJob: Job<ValueJob> = (deps) => async (input, control) => {
  const { judge, stopped } = await open(deps, input, control, input.coalitions.length);
  const values: Losses[] = [];
  for (const coalition of input.coalitions) {
    if (stopped()) return undefined;
    values.push(await judge.losses(coalition, input.scale));
  }
  return values;
};

/** The merged Dama, kept in the validator's bucket, and its losses beside the base's. */
export const mergeJob: Job<MergeJob> = (deps) => async (input, control) => {
  const { judge, loaded, styles } = await open(deps, input, control, 2);
  const before = await judge.losses([], 0);
  const after = await judge.losses(input.members, input.scale);
  const { digest, file } = encodeMerged(loaded.weights, await judge.merged(input.members, input.scale));
  const name = digest.replace(/[^A-Za-z0-9]/g, '').slice(0, 40);
  const weights = await deps.store.putOnce(input.bucket, `damas/${name}/model.safetensors`, file);
  const config = await deps.store.putOnce(input.bucket, `damas/${name}/config.json`, await deps.store.get(input.base.config, { maxBytes: 2 ** 20 }));
  return { dama: { digest, weights, config }, styles, before, after };
};

async function open({ cache }: JobDeps, { base, lora, candidates, part }: JudgeInput, control: Control, expected?: number) {
  const loaded = await cache.dama(base);
  const clips = heldOut({ clips: part.clips, seed: part.seed });
  let evaluations = 0;
  let stop = false;
  const onEvaluation = async (): Promise<void> => {
    stop = !(await control.progress({ evaluations: ++evaluations, ...(expected !== undefined && { expected }) }));
  };
  const judge = new Judge({ scorer: await cache.scorer(loaded.music), base: loaded.weights, candidates: candidates.map(({ adapter, factor }) => ({ delta: () => cache.delta(adapter, loaded.music, lora), factor })), clips, onEvaluation });
  const styles = clips.map((clip) => clip.style);
  const holdOut: HoldOut = { styles, floors: part.floors, guards: part.guards };
  return { judge, loaded, styles, holdOut, stopped: () => stop };
}
