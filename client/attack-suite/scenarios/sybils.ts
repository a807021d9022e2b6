import { junk } from '../../../genki/attacks/junk.ts';
import { inflateNorm, shrinkNorm } from '../../../genki/attacks/norm.ts';
import { orthogonalNoise } from '../../../genki/attacks/orthogonal-noise.ts';
import { splitByModules, splitByRank } from '../../../genki/attacks/sybil-split.ts';
import type { Adapter } from '../../../genki/music/lora.ts';
import type { Cast, Play } from '../cast.ts';
import { OWN_LOSS, type Scenario } from './scenario.ts';

const OWN = 'swing';
const SYBILS = 5;

/** The attacker's honest work, under several hotkeys in its own place or before everybody. */
const split = (name: string, make: (own: Adapter, cast: Cast) => readonly Adapter[], at: 'first' | 'last' = 'last') => (cast: Cast): Play => ({
  epoch: cast.epoch,
  attackers: make(cast.adapter(OWN), cast).map((adapter, i) => cast.hostile(`${name}-${i}`, adapter)),
  place: { at },
  own: [OWN],
});

const each = <T>(make: (index: number) => T): T[] => Array.from({ length: SYBILS }, (_, index) => make(index));

export const sybils: ReadonlyMap<string, Scenario> = new Map<string, Scenario>([
  ['norm-inflation', { tries: 'honest work three times as long', play: split('norm-inflation', (own) => [inflateNorm(own)]) }],
  ['split-by-modules', { tries: 'one submission as two, by layers', tolerance: OWN_LOSS, play: split('split-by-modules', (own) => splitByModules(own, 2)) }],
  ['split-by-rank', { tries: 'one submission as two, by rank', tolerance: OWN_LOSS, play: split('split-by-rank', (own) => splitByRank(own, 2)) }],
  ['split-first', { tries: 'the same, before everybody', tolerance: OWN_LOSS, play: split('split-first', (own) => splitByRank(own, 2), 'first') }],
  ['sybil-shield', { tries: 'one\'s work, and noisy copies of it around it, first', play: split('sybil-shield', (own, cast) => [own, ...each((i) => orthogonalNoise(own, cast.random(`shield-${i}`), 2))], 'first') }],
  ['tiny-sybils', {
    tries: 'tiny updates that pull the median norm down',
    play: (cast) => ({ epoch: cast.epoch, attackers: each((i) => cast.hostile(`tiny-sybils-${i}`, shrinkNorm(junk(cast.adapter(OWN), cast.random(`tiny-${i}`))))), place: { at: 'first' } }),
  }],
]);
