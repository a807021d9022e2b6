import { heldOut } from '../../genki/data/held-out.ts';
import { accept, type Acceptance, type AcceptOptions } from '../../genki/evaluation/acceptance.ts';
import { decodeGram } from '../../genki/evaluation/gram-file.ts';
import type { HoldOut, Losses } from '../../genki/evaluation/held-out.ts';
import { coalitionDigest } from '../../genki/evaluation/coalition-digest.ts';
import { Judge } from '../../genki/evaluation/judge.ts';
import type { Term } from '../../genki/evaluation/mix.ts';
import type { Residual } from '../../genki/evaluation/residual.ts';
import { encodeMerged } from '../../genki/federation/merged-dama.ts';
import type { LoraConfig } from '../../genki/music/lora.ts';
import type { Dama } from '../../genki/protocol/dama.ts';
import type { ObjectRef } from '../../genki/store/object-store.ts';
import { lossesOnce, type Memo } from './coalition-losses.ts';
import type { Control, Job, JobDeps } from './job.ts';

/** One part of the hold-out, as the composer makes it anew from the round's seed. */
export type HoldOutPart = { readonly clips: Readonly<Record<string, number>>; readonly seed: string; readonly floors: HoldOut['floors']; readonly guards: HoldOut['guards'] };

/** What all of a round's model work starts from. */
export type JudgeInput = {
  readonly base: Dama;
  readonly lora: LoraConfig;
  /** In commit order. `factor` brings the norm to that of the others; `residual` is what it has of other candidates, by their place in this list. */
  readonly candidates: readonly { readonly adapter: ObjectRef; readonly factor: number; readonly residual?: Residual }[];
  readonly part: HoldOutPart;
  /** Where the losses of coalitions are kept; without it each is measured anew. */
  readonly memo?: Memo;
};

/** Losses of one model on the clips of a part, nats per code, in the part's order. */
export type Measured = { readonly styles: readonly string[]; readonly base: Losses; readonly alone: readonly Losses[]; readonly engine: string };
export type MeasureJob = { input: JudgeInput; output: Measured };
export type AcceptJob = { input: JudgeInput & { readonly among: readonly number[]; /** inner products of all candidates' updates, as `encodeGram` keeps them */ readonly gram: ObjectRef; readonly scales: readonly number[]; readonly lastScale?: number; readonly thresholds: AcceptOptions['thresholds'] }; output: Acceptance };
export type ValueJob = { input: JudgeInput & { readonly coalitions: readonly (readonly number[])[]; readonly scale: number }; output: readonly Losses[] };
export type MergeJob = {
  input: JudgeInput & { readonly members: readonly number[]; readonly scale: number; readonly bucket: string };
  output: { readonly dama: Dama; readonly styles: readonly string[]; readonly before: Losses; readonly after: Losses };
};

/** The base, and each candidate alone as its miner made it. */
export const measureJob: Job<MeasureJob> = (deps) => async (input, control) => {
  const { judge, styles, stopped } = await openJudge(deps, input, control, input.candidates.length + 1);
  const base = await judge.losses([], 0);
  const alone: Losses[] = [];
  for (let i = 0; i < input.candidates.length && !stopped(); i++) alone.push(await judge.alone(i));
  return stopped() ? undefined : { styles, base, alone, engine: deps.engine.build };
};

/** Which candidates are worth merging, and at which scale. */
export const acceptJob: Job<AcceptJob> = (deps) => async (input, control) => {
  const { lossesOf, holdOut, stopped } = await openJudge(deps, input, control);
  const { among, scales, lastScale, thresholds } = input;
  const gram = decodeGram(await deps.store.get(input.gram, { maxBytes: input.gram.bytes }), input.candidates.length);
  const stop = new Error('stopped');
  const evaluate = async (terms: readonly Term[]): Promise<Losses> => {
    if (stopped()) throw stop;
    return await lossesOf(terms);
  };
  try {
    return await accept({ candidates: among, gram, evaluate, holdOut, scales, thresholds, ...(lastScale !== undefined && { lastScale }) });
  } catch (error) {
    if (error === stop) return undefined;
    throw error;
  }
};

/** Losses of some coalitions, in the order asked for. */
export const valueJob: Job<ValueJob> = (deps) => async (input, control) => {
  const { judge, lossesOf, stopped } = await openJudge(deps, input, control, input.coalitions.length);
  const values: Losses[] = [];
  for (const coalition of input.coalitions) {
    if (stopped()) return undefined;
    values.push(await lossesOf(judge.terms(coalition, input.scale)));
  }
  return values;
};

/** The merged Dama, kept in the validator's bucket, and its losses beside the base's. */
export const mergeJob: Job<MergeJob> = (deps) => async (input, control) => {
  const { judge, loaded, styles } = await openJudge(deps, input, control, 2);
  const before = await judge.losses([], 0);
  const after = await judge.losses(input.members, input.scale);
  const { digest, file } = encodeMerged(loaded.weights, await judge.merged(input.members, input.scale));
  const name = digest.replace(/[^A-Za-z0-9]/g, '').slice(0, 40);
  const weights = await deps.store.putOnce(input.bucket, `damas/${name}/model.safetensors`, file);
  const config = await deps.store.putOnce(input.bucket, `damas/${name}/config.json`, await deps.store.get(input.base.config, { maxBytes: 2 ** 20 }));
  return { dama: { ...input.base, digest, weights, config }, styles, before, after };
};

/** A judge of a round's candidates on one part of the hold-out; after each evaluation the job says that it goes on. */
export async function openJudge({ engine, store, cache }: JobDeps, { base, lora, candidates, part, memo }: JudgeInput, control: Control, expected?: number) {
  const loaded = await cache.dama(base);
  const clips = heldOut({ clips: part.clips, seed: part.seed });
  let evaluations = 0;
  let stop = false;
  const onEvaluation = async (): Promise<void> => {
    stop = !(await control.progress({ evaluations: ++evaluations, ...(expected !== undefined && { expected }) }));
  };
  const judge = new Judge({ scorer: await cache.scorer(loaded.music), base: loaded.weights, candidates: candidates.map(({ adapter, ...merging }) => ({ delta: () => cache.delta(adapter, loaded.music, lora), ...merging })), clips, onEvaluation });
  const styles = clips.map((clip) => clip.style);
  const holdOut: HoldOut = { styles, floors: part.floors, guards: part.guards };
  /** As the judge's, from the memo where they are kept. */
  const lossesOf = async (terms: readonly Term[]): Promise<Losses> => {
    const measure = () => judge.lossesOf(terms);
    if (!memo) return await measure();
    const updates = terms.map(({ index, weight }) => ({ adapter: candidates[index]!.adapter.sha256, weight }));
    const digest = coalitionDigest({ base: base.digest, config: base.config.sha256, lora, part, updates, engine: engine.build });
    return await lossesOnce(store, { ...memo, digest, clips: clips.length }, { measure, onKept: onEvaluation });
  };
  return { judge, lossesOf, loaded, styles, holdOut, stopped: () => stop };
}
