import { durationText } from '../duration.ts';
import { bold, dim, table } from '../first-light/screen.ts';
import type { Status } from './survey.ts';

/** A status as lines for a person: one screen, what is wrong last. */
export function statusLines(status: Status, now: number): string[] {
  const name = (hotkey: string | null): string => status.participants.find((p) => p.hotkey === hotkey)?.name ?? hotkey ?? '–';
  const ago = (iso: string): string => `${durationText(Math.max(0, Math.floor((now - Date.parse(iso)) / 1000) * 1000))} ago`;
  const section = (title: string, lines: readonly string[]): string[] => ['', bold(title), ...lines];
  const { services, chain, queues, running, ended, leases, relays, schedules, hub, windows, dama, report, disk, warnings } = status;
  return [
    `${bold(status.isUp ? 'The network is up' : services.some(({ isUp }) => isUp) ? 'The network is up in part' : 'The network is down')}  ${dim(status.home)}`,
    ...services.map(({ name: service, isUp, detail }) => `  ${service.padEnd(11)} ${isUp ? 'up  ' : 'DOWN'}  ${detail}`),
    ...(chain ? section('Chain', [`  finalized block ${chain.finalized}, epoch ${chain.epoch} since block ${chain.epochStart}; the next in ${chain.blocksLeft} blocks${chain.msLeft === null ? '' : `, ${durationText(Math.ceil(chain.msLeft / 1000) * 1000)}`}`]) : []),
    ...(dama ? [`  Dama ${dama.digest}${dama.isFirst ? ', the first' : ''}; ${report ? `newest report: epoch ${report.epoch}, ${report.accepted} of ${report.miners} miners accepted` : 'no report yet'}`] : []),
    ...(windows ? section('Windows', windowLines(windows, name)) : []),
    ...(hub || relays?.length ? section('Passed on', passedOn(hub, relays ?? [], name)) : []),
    ...(queues ? section('Workers', [`  ${queueText(queues)}`]) : []),
    ...(running ? section('Under way', running.length > 0 ? indented(table(['what', 'who', 'phase', 'begun'], running.map((one) => [one.workflowId, name(one.hotkey), one.phase, ago(one.since)]))) : ['  nothing']) : []),
    ...(ended?.length ? section('Last outcomes', indented(table(['what', 'who', 'outcome', 'when'], ended.map((one) => [one.workflowId, name(one.hotkey), one.outcome, ago(one.at)])))) : []),
    ...(leases?.some(({ holder }) => holder !== null) ? section('Leases', leases.filter(({ holder }) => holder !== null).map(({ adapter, holder, until, waiting }) => `  ${name(adapter.split('/').at(-1)!)}: ${holder}, until ${until}, ${waiting} waiting`)) : []),
    ...(schedules?.length ? section('Schedules', schedules.map(({ id, starts, paused, note, next }) => `  ${id}: ${starts}, ${paused ? `paused: ${note}` : `next ${next ?? 'never'}`}`)) : []),
    ...(disk ? section('Disk', [`  ${disk.entries.filter(({ bytes }) => bytes >= 2 ** 10).slice(0, 8).map(({ name: entry, bytes }) => `${entry} ${bytesText(bytes)}`).join(' · ')}${disk.isWhole ? '' : ' and more'}; ${bytesText(disk.freeBytes)} of ${bytesText(disk.totalBytes)} free`]) : []),
    ...(warnings.length > 0 ? section('Warnings', warnings.map((warning) => `  ${warning}`)) : []),
  ];
}

function windowLines({ current: { window, step, deadline, last }, closed }: NonNullable<Status['windows']>, name: (hotkey: string) => string): string[] {
  const lines = [`  window ${window} is ${step}: updates are due before block ${deadline}, its last one is ${last}`];
  if (!closed) return [...lines, '  none of the last few is closed'];
  const { leader, rank, peers, refused, models } = closed;
  return [
    ...lines,
    `  window ${closed.window} was closed by ${name(leader)}, ${rank === 0 ? 'first in line' : `who stood in at place ${rank + 1}`}: ${peers.map(name).join(', ') || 'nobody'} counted; ${models.same} of ${models.there} validators here have its model`,
    ...refused.map(({ hotkey, reason }) => `    ${name(hotkey)}: ${reason}`),
  ];
}

/** As far as this machine's own hub tells; of another's, what its door says to anybody. */
function passedOn(hub: Status['hub'], relays: NonNullable<Status['relays']>, name: (hotkey: string) => string): string[] {
  const strangers = (hub?.adapters ?? []).filter(({ adapter }) => !relays.some((relay) => relay.adapter === adapter));
  return [
    ...relays.map(({ adapter, version, holder, until, waiting, work }) => `  ${adapter}: version ${version}, ${holder === null ? 'free' : `held by ${name(holder)} until ${until}`}, ${waiting.length === 0 ? 'nobody waits' : `waiting: ${waiting.map(name).join(', ')}`}${work === null ? '' : `; ${work}`}`),
    ...strangers.map(({ adapter, version }) => `  ${adapter}: ${version === null ? 'the hub does not know its version just now' : `version ${version}`}`),
  ];
}

function queueText(queues: NonNullable<Status['queues']>): string {
  const wallets = queues.filter(({ hotkey }) => hotkey !== undefined);
  const others = queues.filter(({ hotkey }) => hotkey === undefined).map(({ name, pollers }) => `${name}: ${pollers.join(', ') || 'nobody'}`);
  return [...others, `wallets: ${wallets.filter(({ pollers }) => pollers.length > 0).length} of ${wallets.length}`].join(' · ');
}

const indented = (lines: readonly string[]): string[] => lines.map((line) => `  ${line}`);

function bytesText(bytes: number): string {
  const [unit, size] = bytes >= 2 ** 30 ? ['GiB', 2 ** 30] as const : bytes >= 2 ** 20 ? ['MiB', 2 ** 20] as const : ['KiB', 2 ** 10] as const;
  return `${(bytes / size).toFixed(bytes >= 10 * size ? 0 : 1)} ${unit}`;
}
