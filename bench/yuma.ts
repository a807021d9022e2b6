import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import * as z from 'zod';
import { runEpoch, type EpochInput, type EpochOutput } from '../genki/chain/yuma/yuma.ts';
import { Random } from '../genki/protocol/random.ts';
import type { Context } from './context.ts';
import { type Figure, figureOf } from './figure.ts';
import { median, timed } from './in-turns.ts';

const SCRIPT = fileURLToPath(new URL('scipy/yuma-peer.py', import.meta.url));
const [NEURONS, VALIDATORS] = [256, 64];
const TURNS = 7;
/** An epoch has to be done in so many milliseconds. */
const CLAIM = 500;
const ONE_THREAD = { OPENBLAS_NUM_THREADS: '1', MKL_NUM_THREADS: '1', OMP_NUM_THREADS: '1' };
const SHARES = ['consensus', 'incentive', 'dividends'] as const;

const RULES = {
  'yuma-2': { yuma3: false, liquidAlpha: false, bondsPenalty: 65535 },
  'yuma-3': { yuma3: true, liquidAlpha: false, bondsPenalty: 65535 },
  'yuma-3-liquid': { yuma3: true, liquidAlpha: true, bondsPenalty: 32767 },
} as const;

const U16s = z.array(z.number()).length(NEURONS);
const Answer = z.union([
  z.strictObject({ numpy: z.string(), epochs: z.array(z.strictObject({ milliseconds: z.array(z.number()), consensus: U16s, incentive: U16s, dividends: U16s })) }),
  z.strictObject({ missing: z.string() }),
]);

/**
 * An epoch of 256 neurons, 64 validators with a weight and a bond for each, exactly; beside what is claimed, and beside
 * NumPy in float64, which is off by one in the last digit of some shares.
 * @throws {Error} when a share differs by more
 */
export async function yuma({ folder, python, note }: Context): Promise<Figure[]> {
  const inputs = Object.entries(RULES).map(([name, rules]) => inputOf(name, rules));
  const outputs = inputs.map(runEpoch);
  const ours: number[] = [];
  for (const input of inputs) ours.push(median(await timed(TURNS, async () => void runEpoch(input))));
  const answer = await askNumPy(python, await written(join(folder, 'epochs.json'), inputs));
  if ('missing' in answer) note(`No NumPy to compare with (${answer.missing}). Install it with "pip install numpy"; GENKI_PYTHON names another Python than ${python}.`);
  else note(`yuma: NumPy is off by one in ${differences(outputs, answer.epochs)} of ${SHARES.length * outputs.length * NEURONS} shares`);
  return Object.keys(RULES).flatMap((name, i) => [
    figureOf({ name, unit: 'ms', ours: ours[i]!, peer: CLAIM, peerName: 'what is claimed' }),
    figureOf({ name: `${name}-numpy`, unit: 'ms', ours: ours[i]!, peer: 'missing' in answer ? null : median(answer.epochs[i]!.milliseconds), peerName: 'missing' in answer ? 'NumPy in float64' : `NumPy ${answer.numpy} in float64, not exact` }),
  ]);
}

function inputOf(name: string, rules: (typeof RULES)[keyof typeof RULES]): EpochInput {
  const random = new Random(`bench/${name}`);
  const row = () => Array.from({ length: NEURONS }, (_, j) => [j, random.int(65_536)] as const);
  const rows = () => Array.from({ length: NEURONS }, (_, i) => (i < VALIDATORS ? row() : []));
  const all = <T>(value: T): T[] => Array.from({ length: NEURONS }, () => value);
  return {
    ...rules,
    block: 1000,
    lastTempo: 640,
    activityCutoff: 5000,
    stakeThreshold: 10n ** 12n,
    lastUpdate: all(900),
    blockAtRegistration: all(100),
    hiddenSince: all(null),
    stake: Array.from({ length: NEURONS }, (_, i) => (i < VALIDATORS ? BigInt(10 ** 12 + random.int(10 ** 9) * 1000) : 0n)),
    validatorPermit: Array.from({ length: NEURONS }, (_, i) => i < VALIDATORS),
    maxAllowedValidators: VALIDATORS,
    weights: rows(),
    bonds: rows(),
    kappa: 32767,
    bondsMovingAverage: 900_000,
    alphaLow: 45_875,
    alphaHigh: 58_982,
    alphaSigmoidSteepness: 1000,
    ownerUid: null,
    ownerExempt: true,
    emission: 10n ** 9n,
  };
}

/** How many shares are off by one. */
function differences(outputs: readonly EpochOutput[], theirs: readonly Pick<EpochOutput, (typeof SHARES)[number]>[]): number {
  const apart = outputs.flatMap((output, e) => SHARES.flatMap((field) => output[field].map((share, i) => Math.abs(share - theirs[e]![field][i]!))));
  if (Math.max(...apart) > 1) throw new Error(`yuma: expected NumPy within one of each share, got ${Math.max(...apart)}`);
  return apart.filter((difference) => difference === 1).length;
}

async function written(file: string, inputs: readonly EpochInput[]): Promise<string> {
  await writeFile(file, JSON.stringify(inputs.map((input) => ({ ...input, stake: input.stake.map(Number), stakeThreshold: Number(input.stakeThreshold), emission: Number(input.emission) }))));
  return file;
}

async function askNumPy(python: string, file: string): Promise<z.infer<typeof Answer>> {
  try {
    const { stdout } = await promisify(execFile)(python, [SCRIPT, file, String(TURNS)], { env: { ...process.env, ...ONE_THREAD }, maxBuffer: 16 * 1024 * 1024 });
    return Answer.parse(JSON.parse(stdout));
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return { missing: error.message };
    throw error;
  }
}
