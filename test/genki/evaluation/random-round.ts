import { encodeHotkey } from '../../../genki/chain/keys.ts';
import { lossByStyle, type HoldOut, type Losses } from '../../../genki/evaluation/held-out.ts';
import { relativeGain } from '../../../genki/evaluation/relative-gain.ts';
import { settle, withUnmeasured, type Measurements, type NotMeasured } from '../../../genki/evaluation/settle.ts';
import type { RoundReport } from '../../../genki/evaluation/round-report.ts';
import { canonicalJson } from '../../../genki/protocol/canonical-json.ts';
import { fileDigest, sha256Hex } from '../../../genki/protocol/digests.ts';
import { Random } from '../../../genki/protocol/random.ts';

const hex = (text: string): string => sha256Hex(new TextEncoder().encode(text));
const ref = (key: string) => ({ bucket: 'bucket', key, sha256: hex(key), bytes: 1 });

/** A round in which everything is drawn, as its validator's file has it. */
export function randomReport(seed: string): RoundReport {
  const random = new Random(seed);
  // not in the order of the alphabet, as a competition's need not be
  const styles = ['swing', 'march', 'victory', 'rain'].slice(0, 1 + random.int(4));
  const floors = Object.fromEntries(styles.map((style) => [style, random.float()]));
  const holdOut: HoldOut = { styles: styles.flatMap((style) => [style, style, style]), floors, guards: [] };
  const losses = (): Losses => holdOut.styles.map(() => 1 + 2 * random.float());
  const hotkey = (i: number): string => encodeHotkey(new Uint8Array(32).fill(i + 1));
  const count = random.int(8);
  const scored = Array.from({ length: count }, (_, i) => ({ hotkey: hotkey(i), registeredAt: random.int(9), commitBlock: 10 + i, commitIndex: 0, update: { sha256: hex(`${seed}/${i}`), bytes: 1 + random.int(1e6), digest: fileDigest(`${seed}/${i}`) } }));
  const copies = scored.flatMap((_, i) => (i > 0 && random.chance(0.2) ? [i] : []));
  const originals = [...scored.keys()].filter((i) => !copies.includes(i));
  const accepted = originals.filter(() => random.chance(0.7));
  const estimate = () => ({ mean: random.normal(), standardError: random.float() });
  const listens = count > 0 && random.chance(0.5);
  const base = losses();
  const notScored: NotMeasured[] = Array.from({ length: random.int(3) }, (_, i) => ({ hotkey: hotkey(50 + i), registeredAt: 0, commitBlock: 30 + i, commitIndex: 1, verdict: random.pick(['rejected', 'unavailable']), reason: 'Expected a key, got none' }));
  const measured: Measurements = {
    scored,
    notScored,
    compared: {
      similarities: scored.map((_, i) => (i === 0 ? { similarity: 0 } : { similarity: copies.includes(i) ? 0.5 + random.float() / 2 : random.float() / 2, to: random.int(i) })),
      duplicates: copies.map((index) => ({ index, reason: 'copy' })),
      ledger: null,
    },
    base: count === 0 ? [] : base,
    alone: scored.map(() => lossByStyle(random.chance(0.1) ? losses().with(0, NaN) : losses(), holdOut.styles)),
    holdOutB: count === 0 ? { ...holdOut, styles: [] } : holdOut,
    acceptance: { accepted, verdicts: originals.map((index) => ({ index, accepted: accepted.includes(index), margin: null, marginal: random.chance(0.9) ? estimate() : null, reason: 'adds' })), scale: 0.5, gain: random.float(), evaluations: 9, factors: scored.map(() => 1.2 * random.float()), residuals: scored.map((_, i) => (accepted.indexOf(i) > 0 && random.chance(0.3) ? [{ index: accepted[0]!, coefficient: random.float() }] : [])), overlaps: scored.map(() => 0) },
    coalitions: { kind: 'exact', values: accepted.length === 0 ? [] : Array.from({ length: 2 ** accepted.length }, (_, mask) => relativeGain(base, mask === 0 ? base : losses(), holdOut)) },
    agreements: random.chance(0.3) ? scored.map(() => 2 * random.float() - 1) : undefined,
    heard: !listens ? undefined : {
      anchors: { embedder: 'test', quality: { floor: 0.1, ceiling: 0.4 }, diversity: { floor: 1, ceiling: 7 }, alike: 0.4 },
      clips: 5,
      quality: scored.map(() => ({ mean: random.float() / 2, standardError: random.float() })),
      distances: accepted.flatMap((_, i) => accepted.slice(0, i).map(() => 9 * random.float())),
      diversity: scored.map((_, i) => (accepted.some((other) => other !== i) ? 9 * random.float() : null)),
    },
    merged: accepted.length === 0 ? undefined : { digest: fileDigest(`${seed}/merged`), before: base, after: losses(), styles: holdOut.styles, next: { publish: random.chance(0.5), gain: estimate(), reason: 'better' } },
  };
  const registered = scored.slice(0, 3).map((miner) => ({ competition: 'rn', hotkey: miner.hotkey, registeredAt: miner.registeredAt, value: random.float(), epoch: 3 }));
  const report = settle(
    {
      netuid: 1,
      epoch: 4,
      competition: { id: 'rn', digest: fileDigest('competition') },
      snapshot: { number: 40, hash: `0x${hex('snapshot')}` },
      seeds: { A: hex('A'), B: hex('B') },
      engine: 'test',
      policy: { name: random.pick(['dama', 'delta-loss', 'genki', 'win-rate', 'gradient-agreement']), parameters: {} },
      overTime: random.chance(0.3) ? { kind: 'openskill', expiresAfter: 3 } : { kind: 'average', rate: 0.1 + 0.9 * random.float(), expiresAfter: 3 },
      base: { digest: fileDigest('base'), weights: ref('model'), config: ref('config') },
      floors,
      past: { scores: random.chance(0.3) ? null : { kind: 'average', entries: registered }, leader: random.chance(0.5) && count > 0 ? scored[0]!.hotkey : null, ledger: null },
  lastScale: null,
    },
    measured,
  );
  const whole = withUnmeasured(report, [{ hotkey: hotkey(99), registeredAt: 1, commitBlock: null, commitIndex: null, verdict: 'absent', reason: 'registered, but has committed nothing', waitingSince: null }]);
  // what a loss that is not a number becomes on its way
  return JSON.parse(canonicalJson(JSON.parse(JSON.stringify(whole)))) as RoundReport;
}
