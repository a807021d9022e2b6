import { join } from 'node:path';
import { aggregate } from '../genki/federation/aggregation/aggregate.ts';
import { breakdownLines } from '../genki/attacks/windows/breakdown-table.ts';
import type { Aggregation } from '../genki/protocol/exchange.ts';
import { drawn } from './aggregation/drawn.ts';
import { NumPyPeer } from './aggregation/numpy-peer.ts';
import { grownBy } from './aggregation/own-memory.ts';
import type { Context } from './context.ts';
import { type Figure, figureOf } from './figure.ts';

/** A full window; GENKI_AGGREGATION_VALUES takes shorter updates. */
const MATERIAL = { peers: 64, values: Number(process.env['GENKI_AGGREGATION_VALUES'] ?? 2 ** 23), seed: 1 };
const SHARE = 0.2;
/** Such that the longer half is clipped: an update is at least √(values / 3) long, and at most twice that. */
const RADIUS = 1.5 * Math.sqrt(MATERIAL.values / 3);
const UPDATES_GB = (4 * MATERIAL.peers * MATERIAL.values) / 1e9;
/** Of the largest value: what sums in float32 and in float64 may differ by. */
const SAME = 1e-4;
/** Of two values as near to the median as each other, to float32, Bulyan may keep one and NumPy the other: so often at most. */
const BULYAN_DIFFERS = 1e-5;

const RULES: readonly Aggregation[] = [
  { rule: { kind: 'mean' } },
  { rule: { kind: 'trimmed-mean', trim: SHARE } },
  { rule: { kind: 'coordinate-median' } },
  { rule: { kind: 'geometric-median' } },
  { rule: { kind: 'krum', faulty: SHARE } },
  { rule: { kind: 'multi-krum', faulty: SHARE } },
  { rule: { kind: 'bulyan', faulty: SHARE } },
  { rule: { kind: 'centred-clipping', radius: RADIUS, iterations: 3 } },
  { rule: { kind: 'trimmed-mean', trim: SHARE }, mixing: SHARE },
  { rule: { kind: 'krum', faulty: SHARE }, mixing: SHARE },
];

/**
 * Time and memory of each rule for 64 peers of 8 M values, beside NumPy, one thread each; and what the attacks do to each.
 * @throws {Error} when the two come to other values
 */
export async function aggregation({ folder, python, note }: Context): Promise<Figure[]> {
  note(breakdownLines().join('\n'));
  const updates = drawn(MATERIAL);
  const peer = await NumPyPeer.start({ python, file: join(folder, 'aggregate.f32'), note }, MATERIAL);
  const figures: Figure[] = [];
  try {
    for (const spec of RULES) figures.push(...(await figuresOf(spec, { updates, peer })));
  } finally {
    await peer?.stop();
  }
  return figures;
}

type Timed = { readonly result: Float32Array; readonly cpuSeconds: number };
type Sides = { readonly updates: readonly Float32Array[]; readonly peer: NumPyPeer | undefined };

/** Ours before and after the peer's turn; seconds of a core, since a machine that does other things as well makes either wait for one. */
async function figuresOf(spec: Aggregation, { updates, peer }: Sides): Promise<Figure[]> {
  const { cpuSeconds: before } = ours(spec, updates);
  const theirs = await peer?.aggregate(spec, SHARE);
  let after: Timed = { result: new Float32Array(), cpuSeconds: 0 };
  const bytes = await grownBy(() => void (after = ours(spec, updates)));
  const name = `aggregation-${spec.rule.kind}${spec.mixing === undefined ? '' : '-mixed'}`;
  if (theirs !== undefined) checkSame(name, after.result, { theirs: theirs.result, differs: spec.rule.kind === 'bulyan' ? BULYAN_DIFFERS : 0 });
  const peerName = peer?.name ?? 'NumPy';
  return [
    figureOf({ name, unit: 's of a core', ours: (before + after.cpuSeconds) / 2, peer: theirs?.cpuSeconds ?? null, peerName }),
    figureOf({ name: `${name}-memory`, unit: `GB, ${UPDATES_GB.toFixed(2)} of them the updates`, ours: UPDATES_GB + bytes / 1e9, peer: theirs === undefined ? null : UPDATES_GB + theirs.bytes / 1e9, peerName }),
  ];
}

function ours(spec: Aggregation, updates: readonly Float32Array[]): Timed {
  const started = process.cpuUsage();
  const result = aggregate(spec, updates);
  const { user, system } = process.cpuUsage(started);
  return { result, cpuSeconds: (user + system) / 1e6 };
}

function checkSame(name: string, result: Float32Array, { theirs, differs }: { readonly theirs: Float32Array; readonly differs: number }): void {
  const largest = theirs.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  const apart: number[] = [];
  result.forEach((value, i) => void (Math.abs(value - theirs[i]!) <= SAME * largest || apart.push(i)));
  if (apart.length > differs * result.length || theirs.length !== result.length) throw new Error(`${name}: expected NumPy to come to ${result[apart[0]!]} at ${apart[0]}, got ${theirs[apart[0]!]}, and ${apart.length} values in all that differ`);
}
