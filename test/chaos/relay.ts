import { readVersion, sequencesOf } from '../../activities/adapter-versions.ts';
import { participantOf } from '../../activities/participants.ts';
import type { Connected } from '../../client/connect.ts';
import { startOnce } from '../../client/first-light/workflows.ts';
import type { AdapterVersion } from '../../genki/protocol/adapter-version.ts';
import { readCompetition, type Competition } from '../../genki/protocol/competition.ts';
import { relayName, type RelayState } from '../../genki/protocol/relay.ts';
import { RUBY_RELAY } from '../../genki/protocol/ruby-relay.ts';
import type { WindowOutcome } from '../../workflows/training-window.ts';
import { SMALL } from './competition.ts';
import { everyHistory } from './histories.ts';
import { lostObjects, unfinished } from './invariants.ts';
import { patiently } from './patiently.ts';
import { scenario, type Struggle } from './scenario.ts';

const PATIENCE_MS = 15 * 60_000;

/** Three miners; a lease outlives whatever is killed, since a worker is back within seconds. */
const SMALL_RELAY: Competition = readCompetition({
  ...SMALL,
  id: 'rr',
  exchange: 'relay',
  relay: { ...RUBY_RELAY.relay, timing: { leaseMs: 5 * 60_000, checkMs: 20_000, lapseWaitMs: 2000 }, tolerance: 5 },
});

type Turn = { readonly workflowId: string; readonly outcome: WindowOutcome };

/** One adapter that goes round and round. */
export const relayScenario = scenario<Turn[]>({ competition: SMALL_RELAY, live, look });

async function live({ temporal, deployment }: Connected, { strikes, say }: Struggle): Promise<Turn[]> {
  const turns: Turn[] = [];
  for (let lap = 1; lap === 1 || strikes.left > 0; lap++) {
    say(`lap ${lap}, ${strikes.left} kills to come`);
    turns.push(...(await Promise.all(deployment.competition.styles.private.map(async (hotkey) => {
      const workflowId = `relay/${hotkey}/${lap}`;
      const outcome = await patiently(workflowId, PATIENCE_MS, async () => await (await startOnce(temporal, 'trainingWindow', { workflowId, input: { hotkey }, summary: workflowId })).result());
      return { workflowId, outcome };
    }))));
  }
  return turns;
}

async function look({ temporal, store, deployment, participants }: Connected, turns: readonly Turn[]): Promise<{ checked: Record<string, number>; violations: string[] }> {
  const pasts = await everyHistory(temporal);
  const { read, lost } = await lostObjects(pasts, store);
  const adapterId = deployment.competition.id;
  const { hotkey: hub, bucket } = participantOf(participants, 'hub', undefined);
  const versions: AdapterVersion[] = [];
  for (const sequence of await sequencesOf(store, { bucket, adapterId })) versions.push((await readVersion(store, { hub, bucket, adapterId }, sequence)).version);
  const { candidates } = await temporal.workflow.getHandle(relayName(adapterId)).query<RelayState>('state');
  return {
    checked: { turns: turns.length, versions: versions.length, workflows: pasts.length, objects: read },
    violations: [...unfinished(pasts), ...lost, ...wrongVersions(versions), ...turns.flatMap((turn) => wrongTurn(turn, { versions, candidates }))],
  };
}

/** A number that is missing or double, a lease with two versions, a version from another one than the one before. */
function wrongVersions(versions: readonly AdapterVersion[]): string[] {
  return versions.flatMap(({ sequence, parent, author: { fence } }, i) => {
    const before = versions[i - 1];
    const wrong = [sequence !== i + 1 && `has the place of ${i + 1}`, parent !== i && `is made from ${parent}`, before && fence <= before.author.fence && `has the fence ${fence} after ${before.author.fence}`];
    return wrong.filter((what) => typeof what === 'string').map((what) => `version ${sequence} ${what}`);
  });
}

/** What a miner was told must be so: its version is there, its late work waits. */
function wrongTurn({ workflowId, outcome }: Turn, { versions, candidates }: { versions: readonly AdapterVersion[]; candidates: RelayState['candidates'] }): string[] {
  if (outcome.kind === 'handed-on') {
    const version = versions.find(({ sequence }) => sequence === outcome.sequence);
    return version?.author.hotkey === outcome.hotkey && version.author.fence === outcome.fence ? [] : [`${workflowId} was told that it is version ${outcome.sequence}, which is ${version?.author.hotkey ?? 'nobody'}'s`];
  }
  if (outcome.kind === 'late') return candidates.some(({ adapter }) => adapter.sha256 === outcome.adapter.sha256) ? [] : [`${workflowId} came late, and its work is nowhere`];
  return outcome.kind === 'refused' ? [] : [`${workflowId} ended as ${outcome.kind}: ${'reason' in outcome ? outcome.reason : ''}`];
}
