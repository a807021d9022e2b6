import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { styleText } from 'node:util';
import { InvalidInput } from '../../genki/errors.ts';
import { looksSecret } from '../../genki/chain/looks-secret.ts';
import { homeOf } from '../../workers/settings.ts';
import { parseDuration } from '../duration.ts';
import { Follower } from '../logs/follow.ts';
import { inTimeOrder, newestLines, servicesOf, type LogLine } from '../logs/log-lines.ts';

const LINES = 200;
const LOOK_EVERY_MS = 250;
const COLOURS = ['cyan', 'yellow', 'green', 'magenta', 'blue'] as const;

export type LogsOptions = { readonly follow: boolean; readonly lines?: number; readonly since?: string };
type Output = NodeJS.WritableStream & { readonly isTTY?: boolean };

/** `genki logs`: the newest lines of all services in the order of their times, or of one. */
export async function logs(wanted: string | undefined, { follow, lines, since }: LogsOptions, env: NodeJS.ProcessEnv, { stdout, signal }: { stdout: Output; signal?: AbortSignal } = process): Promise<void> {
  const from = since === undefined ? -Infinity : momentOf(since, Date.now());
  const folder = join(homeOf(env), 'logs');
  const services = await chosen(folder, wanted);
  const count = lines ?? (since === undefined ? LINES : Infinity);
  stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(0); // whoever read has seen enough
    throw error;
  });
  const width = Math.max(...services.map(({ length }) => length));
  const show = ({ service, text }: LogLine): string => {
    const name = service.padEnd(width);
    const colour = COLOURS[services.indexOf(service) % COLOURS.length]!;
    return services.length === 1 ? `${text}\n` : `${stdout.isTTY === true ? styleText(colour, name, { validateStream: false }) : name}  ${text}\n`;
  };
  const followers = services.map((service) => new Follower(folder, service));
  // first the end from which to go on: a line may then be shown twice, and none is missed
  await Promise.all(followers.map((follower) => follower.skip()));
  const newest = await Promise.all(services.map((service) => newestLines(folder, service, { lines: count, since: from })));
  const merged = inTimeOrder(newest.flat());
  for (const line of count === Infinity ? merged : merged.slice(merged.length - Math.min(count, merged.length))) stdout.write(show(line));
  while (follow && signal?.aborted !== true) {
    await wait(LOOK_EVERY_MS);
    const added = await Promise.all(followers.map((follower) => follower.read()));
    for (const line of inTimeOrder(added.flat())) stdout.write(show(line));
  }
}

/** @throws {InvalidInput} naming those that there are */
async function chosen(folder: string, wanted: string | undefined): Promise<string[]> {
  const services = await servicesOf(folder);
  if (services.length === 0) throw new InvalidInput(`Expected logs in ${folder}, there are none: nothing has run here yet`);
  if (wanted === undefined) return services;
  const name = wanted.trim().toLowerCase().replaceAll(' ', '-');
  if (services.includes(name)) return [name];
  throw new InvalidInput(`Expected one of the services ${services.join(', ')}, got ${looksSecret(wanted) ? 'what may be a secret' : JSON.stringify(wanted.slice(0, 80))}`);
}

/** ms since 1970 of a time, or of an age before now. @throws {InvalidInput} on anything else */
export function momentOf(text: string, now: number): number {
  const age = parseDuration(text);
  if (age !== undefined) return now - age;
  const time = /^\d{4}-\d\d-\d\d/.test(text) ? Date.parse(text) : NaN;
  if (!Number.isNaN(time)) return time;
  throw new InvalidInput(`Expected a time such as 2026-01-31T12:00:00Z or an age such as 90s, 15m, 2h, 1d, got ${looksSecret(text) ? 'what may be a secret' : JSON.stringify(text.slice(0, 80))}`);
}
