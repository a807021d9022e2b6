import { setTimeout as wait } from 'node:timers/promises';
import { newestVersion, readVersion, sequencesOf, type HubAdapter } from '../../activities/adapter-versions.ts';
import { participantOf } from '../../activities/participants.ts';
import { InvalidInput } from '../../genki/errors.ts';
import type { AdapterVersion } from '../../genki/protocol/adapter-version.ts';
import type { RelayState } from '../../genki/protocol/relay.ts';
import { createHubDesk, type RelayDesk } from '../../workers/hub/desk.ts';
import { WORKFLOW_QUEUE } from '../../workflows/queues.ts';
import { connect, type Connected } from '../connect.ts';
import { namesOf } from '../first-light/result.ts';
import { table } from '../first-light/screen.ts';

/** Between two looks at what has become of a rollback, which takes about a second. */
const LOOK_MS = 200;

/** This machine's hub, with the adapter that is asked for. */
type Hub = { readonly connected: Connected; readonly desk: RelayDesk; readonly at: (adapterId: string) => HubAdapter; readonly names: (hotkey: string) => string };

/** `genki adapter list`: where each adapter is that this machine's hub passes on. */
export async function listAdapters({ json }: { json: boolean }, env: NodeJS.ProcessEnv): Promise<void> {
  await withHub(env, async ({ connected, desk, at, names }) => {
    const found = [await stateOf(desk, connected.deployment.competition.id)];
    const newest = await Promise.all(found.map(({ adapterId }) => newestVersion(connected.store, at(adapterId))));
    const adapters = found.map(({ adapterId, state: { lease, version, work, candidates } }, i) => ({
      adapter: adapterId,
      version: version?.sequence ?? 0,
      author: newest[i]?.version.author.hotkey ?? null,
      base: newest[i]?.version.base ?? null,
      holder: lease.current.kind === 'held' ? lease.current.holder : null,
      fence: lease.fence,
      waiting: lease.waiting.length,
      candidates: candidates.map(({ holder, fence, adapter, reason, kept, again }) => ({ hotkey: holder, fence, adapter, reason, kept, again: again ?? null })),
      work: work && { kind: work.task.kind, step: work.step },
    }));
    if (json) return print({ adapters });
    const rows = adapters.map((one) => [one.adapter, String(one.version), one.author === null ? '–' : names(one.author), one.holder === null ? 'free' : names(one.holder), String(one.waiting), String(one.candidates.length), one.work ? `${one.work.step} a ${one.work.kind}` : '']);
    process.stdout.write(`${table(['adapter', 'version', 'made by', 'lease', 'waiting', 'late', 'now'], rows).join('\n')}\n`);
  });
}

/** `genki adapter history`: all versions of an adapter, the newest first. */
export async function adapterHistory(adapterId: string, { json }: { json: boolean }, env: NodeJS.ProcessEnv): Promise<void> {
  await withHub(env, async ({ connected, at, names }) => {
    checkKnown(adapterId, { connected });
    const versions: AdapterVersion[] = [];
    for (const sequence of (await sequencesOf(connected.store, at(adapterId))).reverse()) versions.push((await readVersion(connected.store, at(adapterId), sequence)).version);
    if (json) return print({ adapter: adapterId, versions });
    if (versions.length === 0) return void process.stdout.write(`No version of ${adapterId} yet.\n`);
    const rows = versions.map((one) => [String(one.sequence), madeOf(one), names(one.author.hotkey), String(one.author.fence), lossOf(one, 'before'), lossOf(one, 'after'), String(one.block), one.adapter.sha256.slice(0, 12)]);
    process.stdout.write(`${table(['version', 'made', 'by', 'fence', 'loss before', 'after', 'block', 'sha256'], rows).join('\n')}\n`);
  });
}

/** `genki adapter rollback`: the content of an earlier version becomes the next one; nothing is taken back. */
export async function rollBackAdapter(adapterId: string, { to, json }: { to?: number; json: boolean }, env: NodeJS.ProcessEnv): Promise<void> {
  await withHub(env, async ({ connected, desk, at }) => {
    checkKnown(adapterId, { connected });
    const before = (await desk.state({ adapterId })).version?.sequence ?? 0;
    const current = before === 0 ? undefined : (await readVersion(connected.store, at(adapterId), before)).version;
    // twice in a row is two steps back, not one back and one forth
    const wanted = to ?? (current?.rolledBackTo ?? before) - 1;
    if (before === 0) throw new InvalidInput(`Expected an adapter that has versions, ${adapterId} has none`);
    if (wanted < 1 || wanted >= before) throw new InvalidInput(`Expected a version of ${adapterId} before the current one, ${before}${current?.rolledBackTo === undefined ? '' : `, which is ${current.rolledBackTo} again`}, ${to === undefined ? 'there is none' : `got ${wanted}`}`);
    const answer = await desk.rollback({ adapterId, to: wanted });
    if (answer.kind === 'refused') throw new InvalidInput(answer.reason);
    const { version, rollbackRefused } = await settled(desk, adapterId);
    if (rollbackRefused !== null || version === null) throw new InvalidInput(`Expected version ${wanted} of ${adapterId}, got: ${rollbackRefused}`);
    if (json) return print({ adapter: adapterId, version: version.sequence, rolledBackTo: wanted });
    process.stdout.write(`${adapterId}: version ${version.sequence} is version ${wanted} again\n`);
  });
}

async function withHub(env: NodeJS.ProcessEnv, task: (hub: Hub) => Promise<void>): Promise<void> {
  const connected = await connect(env);
  try {
    const { store, deployment, participants, temporal } = connected;
    const hub = participantOf(participants, 'hub', undefined);
    const desk = createHubDesk({ temporal, workflowQueue: WORKFLOW_QUEUE, store, deployment, hub });
    await task({ connected, desk, at: (adapterId) => ({ hub: hub.hotkey, bucket: hub.bucket, adapterId }), names: namesOf(participants) });
  } finally {
    await connected.close();
  }
}

/** The hub's own adapter. @throws {InvalidInput} on a name that it has none of */
function checkKnown(adapterId: string, { connected }: Pick<Hub, 'connected'>): void {
  const known = connected.deployment.competition.id;
  if (adapterId !== known) throw new InvalidInput(`Expected an adapter of this hub, ${known}, got ${JSON.stringify(adapterId.slice(0, 80))}`);
}

const stateOf = async (desk: RelayDesk, adapterId: string): Promise<{ adapterId: string; state: RelayState }> => ({ adapterId, state: await desk.state({ adapterId }) });

/** Once nothing is at work. */
async function settled(desk: RelayDesk, adapterId: string): Promise<RelayState> {
  for (;;) {
    const state = await desk.state({ adapterId });
    if (state.work?.task.kind !== 'rollback') return state;
    await wait(LOOK_MS);
  }
}

function madeOf({ parent, refines, rolledBackTo }: AdapterVersion): string {
  if (rolledBackTo !== undefined) return `again ${rolledBackTo}`;
  return refines === undefined ? `from ${parent}` : `from ${parent} and late ${refines.slice(0, 12)}`;
}

/** Mean over the styles, nats per code. */
function lossOf({ losses }: AdapterVersion, which: 'before' | 'after'): string {
  const all = Object.values(losses).map((style) => style[which] ?? NaN);
  const mean = all.reduce((sum, loss) => sum + loss, 0) / all.length;
  return Number.isFinite(mean) ? mean.toFixed(4) : '–';
}

function print(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value)}\n`);
}
