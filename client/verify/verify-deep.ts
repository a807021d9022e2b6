import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createJobs } from '../../activities/model/jobs.ts';
import { chooseEngine } from '../../genki/engine/choose-engine.ts';
import type { Chain } from '../../genki/chain/chain.ts';
import type { Engine } from '../../genki/engine/engine.ts';
import { BadSubmission, EmbedderUnfit, InvalidInput, ObjectMissing } from '../../genki/errors.ts';
import { compare, minerAt } from '../../genki/evaluation/differences.ts';
import type { MinerReport, RoundReport } from '../../genki/evaluation/round-report.ts';
import { UNDECIDED } from '../../genki/evaluation/verdict.ts';
import { checkOf, type Check } from '../../genki/evaluation/verify-report.ts';
import { createFolderStore } from '../../genki/store/folder-store.ts';
import { earsOf } from '../../workers/ears.ts';
import type { FoundOf } from './find-report.ts';
import { measureAgain } from './measure-again.ts';
import type { Known } from './network.ts';
import { createOverlayStore } from './overlay-store.ts';
import { runHere } from './run-here.ts';
import { hearAgain, hearDama } from './second-hearing.ts';
import { lookAgain } from './second-look.ts';
import { secondPlan } from './second-plan.ts';

/** Engines agree on a loss to this, in nats a code; on a cosine, too. */
const WITHIN = 1e-4;

export type DeepOptions = {
  /** Where the round's search for the scale began. */
  readonly lastScale: number | undefined;
  readonly signal: AbortSignal;
  readonly show: (line: string) => void;
};

/**
 * A round measured once more from its objects: the same engine gives the same doubles; another one gives losses within
 * 1e-4 and the same verdicts, but for those within the undecided band.
 * @throws {InvalidInput} when the chain does not answer, or it is not known where the objects lie
 */
export async function verifyDeep(known: Known, found: FoundOf<RoundReport>, options: DeepOptions): Promise<Check[]> {
  const { report, bucket } = found;
  if (!known.chain) throw new InvalidInput('Expected a chain that answers, to measure a round of it again; start it with: npm run genki -- up');
  if (bucket === undefined) throw new InvalidInput('Expected the bucket of the report\'s validator, nobody is known to stand for this file; name it as bucket/key');
  const folder = await mkdtemp(join(tmpdir(), 'genki-verify-'));
  options.show('the engines');
  const engine = await chooseEngine({ threads: known.threads, prefer: known.engine });
  const { engine: prefer, threads } = earsOf(known.engine);
  const ears = await chooseEngine({ threads, prefer });
  try {
    const store = createOverlayStore(known.store, createFolderStore(folder));
    return await measured({ ...known, store }, { report, bucket, engine, ears, chain: known.chain.chain }, options);
  } catch (error) {
    if (!(error instanceof BadSubmission) && !(error instanceof ObjectMissing) && !(error instanceof EmbedderUnfit)) throw error;
    return [{ what: 'measuring again', compared: 0, differences: [`the round cannot be measured again: ${error.message}`] }];
  } finally {
    await engine.dispose();
    await ears.dispose();
    await rm(folder, { recursive: true, force: true });
  }
}

type Subject = { readonly report: RoundReport; readonly bucket: string; readonly engine: Engine; readonly ears: Engine; readonly chain: Chain };

async function measured(known: Known, { report, bucket, engine, ears, chain }: Subject, { lastScale, signal, show }: DeepOptions): Promise<Check[]> {
  const { store, deployment, clap } = known;
  const plan = secondPlan(deployment, report, lastScale);
  const { looked, check: updates } = await lookAgain({ known, store, plan, report, bucket });
  const measurable = report.miners.filter(({ update }) => update).length;
  if (looked.length < measurable) return [updates, { what: 'measuring again', compared: 0, differences: [], note: 'not checked: without all updates everything is another' }];
  const { hear, anchors } = createJobs({ engine: ears, store, clap });
  const run = runHere({ ...createJobs({ engine, store, clap }), hear, anchors }, { signal, show });
  // who measured nothing used no engine
  const isSameEngine = report.engine === engine.build || measurable === 0;
  const hearing = { plan, store, run, bucket, isSameEngine };
  const { evaluated, check: clips } = await hearAgain(hearing, looked);
  const places = looked.map(({ miner }) => miner.hotkey);
  const accepted = { accepted: report.acceptance.accepted.map((hotkey) => places.indexOf(hotkey)), scale: report.acceptance.scale };
  const again = await measureAgain(plan, evaluated, { store, chain, deployment, run, hearDama: () => hearDama(hearing), accepted: isSameEngine ? undefined : accepted });
  const undecided = again.undecided?.map((place) => minerAt(looked[place]!.index, looked[place]!.miner));
  const found = sections(isSameEngine, undecided !== undefined).map(({ what, of, within }) => checkOf(what, compare(of(report), of(again.report), { within }), 'measured again it is'));
  return [updates, clips, ...(isSameEngine ? [] : [otherEngine(report, engine, undecided)]), ...found];
}

function otherEngine(report: RoundReport, engine: Engine, undecided: readonly string[] | undefined): Check {
  const open = undecided && `; undecided, so that two engines may see it differently: ${undecided.length === 0 ? 'the scale' : undecided.join(', ')}`;
  return { what: 'another engine', compared: 0, differences: [], note: `${engine.build} for ${report.engine}: losses within ${WITHIN}, shares of what can be learned within ${UNDECIDED}${open ?? ''}` };
}

type Section = { readonly what: string; readonly of: (report: RoundReport) => object; readonly within: number };

/** What was measured, part by part; of what is divided by what is left to learn, engines agree to the undecided band. */
function sections(isSameEngine: boolean, isAdopted: boolean): Section[] {
  const [loss, share] = isSameEngine ? [0, 0] : [WITHIN, UNDECIDED];
  const each = ({ miners }: RoundReport, part: (miner: MinerReport) => object): object => ({ miners: miners.flatMap((miner) => (miner.update ? [{ hotkey: miner.hotkey, ...part(miner) }] : [])) });
  return [
    { what: 'similarities and copies', within: loss, of: (report) => each(report, ({ similarity, overlap, verdict }) => ({ similarity, overlap, isCopy: verdict === 'copy' })) },
    { what: 'the first-seen ledger', within: 0, of: ({ ledger }) => ({ ledger }) },
    { what: 'held-out losses', within: loss, of: (report) => ({ baseLosses: report.baseLosses, floors: report.floors, ...each(report, ({ losses, agreement }) => ({ losses, agreement })) }) },
    {
      what: 'acceptance',
      within: share,
      of: (report) => {
        const { evaluations, normFactors, residuals, ...acceptance } = report.acceptance;
        const exactly = isSameEngine ? { evaluations } : {};
        return { acceptance: { ...acceptance, ...exactly, ...(!isAdopted && { normFactors, residuals }) }, ...each(report, ({ verdict, marginal, reason }) => ({ verdict, ...(!isAdopted && { marginal }), ...(isSameEngine && { reason }) })) };
      },
    },
    { what: 'coalition values', within: share, of: ({ coalitions }) => ({ coalitions }) },
    { what: 'quality and distances', within: loss, of: (report) => ({ listening: report.listening, distances: report.distances, ...each(report, ({ quality, diversity }) => ({ quality, diversity })) }) },
    { what: 'the merged Dama', within: loss, of: ({ dama: { reason, ...dama } }) => ({ dama: { ...dama, ...(isSameEngine && { reason }) } }) },
    { what: 'weights from what was measured again', within: share, of: (report) => each(report, ({ weight, score }) => ({ score, weight })) },
  ];
}
