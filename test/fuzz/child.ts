/** Runs cases one after the other and tells its parent; where it is stands in a file, which outlives it. */
import { openSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { LIMITS } from './limits.ts';
import { minimised } from './minimise.ts';
import { inputOf, type Outcome, type Target, Violation } from './target.ts';

export type Job = {
  readonly seed: string;
  readonly cases: number;
  readonly only?: { readonly target: string; readonly index?: number };
  /** Module that exports them. */
  readonly targets: string;
  readonly hangMs: number;
  /** Where it says which case it is at. */
  readonly progress: string;
  /** Where targets may write. */
  readonly folder: string;
  /** Where inputs go that broke a contract. */
  readonly keep: string;
};
export type Told =
  | { readonly kind: 'target'; readonly name: string; readonly cases: number; readonly accepted: number; readonly ms: number; readonly slowestMs: number; readonly peakMiB: number }
  | { readonly kind: 'violation'; readonly text: string }
  | { readonly kind: 'done' };

const job = JSON.parse(process.argv[2] ?? '') as Job;
const progress = openSync(job.progress, 'r+');
const tell = (told: Told): Promise<void> => new Promise((resolve) => void process.send!(told, undefined, undefined, () => resolve()));

const { targets } = (await import(job.targets)) as { targets: (folder: string) => Promise<readonly Target[]> };
const chosen = (await targets(job.folder)).filter(({ name }) => job.only === undefined || job.only.target === name);
const weights = chosen.reduce((sum, { weight }) => sum + weight, 0);
for (const target of chosen) {
  const share = Math.max(target.valid.length + 1, Math.ceil((job.cases * target.weight) / weights));
  const [from, to] = job.only?.index === undefined ? [0, share] : [job.only.index, job.only.index + 1];
  await tell(await run(target, from, to));
}
await tell({ kind: 'done' });
process.exit(0);

async function run(target: Target, from: number, to: number): Promise<Told> {
  const started = performance.now();
  const tally = { accepted: 0, slowestMs: 0 };
  for (let index = from; index < to; index++) {
    writeSync(progress, `${target.name}/${index}`.padEnd(80), 0);
    const input = inputOf(target, index, job.seed);
    const { violation, outcome, cpuMs } = await measured(target, input);
    if (violation !== undefined) return { kind: 'violation', text: await described(target, index, { input, violation, isCost: outcome !== undefined }) };
    if (index < target.valid.length && outcome !== 'accepted') return { kind: 'violation', text: `${target.name}: refuses its valid file ${index}` };
    tally.slowestMs = Math.max(tally.slowestMs, cpuMs);
    if (outcome === 'accepted') tally.accepted++;
  }
  return { kind: 'target', name: target.name, cases: to - from, ...tally, ms: performance.now() - started, peakMiB: peakMiB() };
}

async function measured(target: Target, input: Uint8Array): Promise<{ violation?: string; outcome?: Outcome; cpuMs: number }> {
  const before = { cpu: process.cpuUsage(), peak: peakMiB() };
  const result = await outcomeOf(target, input);
  const { user, system } = process.cpuUsage(before.cpu);
  const cpuMs = (user + system) / 1000;
  if (cpuMs > LIMITS.cpuMs) return { ...result, cpuMs, violation: `takes ${Math.round(cpuMs)} ms, more than ${LIMITS.cpuMs}` };
  const growth = peakMiB() - before.peak;
  if (growth > LIMITS.growthMiB) return { ...result, cpuMs, violation: `grows the process by ${Math.round(growth)} MiB, more than ${LIMITS.growthMiB}` };
  return { cpuMs, ...result };
}

async function outcomeOf(target: Target, input: Uint8Array): Promise<{ outcome: Outcome } | { violation: string }> {
  try {
    return { outcome: await target.check(input) };
  } catch (error) {
    if (error instanceof Violation) return { violation: error.message };
    return { violation: error instanceof Error ? `${error.name}: ${error.message.slice(0, 300)}\n${(error.stack ?? '').split('\n').slice(1, 6).join('\n')}` : `throws ${String(error)}` };
  }
}

async function described(target: Target, index: number, { input, violation, isCost }: { input: Uint8Array; violation: string; isCost: boolean }): Promise<string> {
  const kindOf = (text: string): string => text.replaceAll(/\d+/g, '').slice(0, 40);
  const fails = async (bytes: Uint8Array): Promise<boolean> => {
    const again = await outcomeOf(target, bytes);
    return 'violation' in again && kindOf(again.violation) === kindOf(violation);
  };
  // what only costs too much would cost it again for every try
  const small = isCost ? input : await minimised(input, fails);
  const file = join(job.keep, `genki-fuzz-${target.name}-${index}`);
  writeFileSync(file, input);
  writeFileSync(`${file}.min`, small);
  return `${target.name}: ${violation}\nseed ${job.seed}, case ${target.name}/${index}: ${input.length} bytes in ${file}, ${small.length} of them in ${file}.min`;
}

function peakMiB(): number {
  return process.resourceUsage().maxRSS / 1024;
}
