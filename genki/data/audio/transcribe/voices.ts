import { RANGE, type PulseNote } from '../../../music/apu/codes.ts';
import type { HeardNote } from './pitched.ts';

/** What a note, or those of a voice in the mean, are like. */
type Profile = { readonly levelDb: number; readonly midi: number; readonly thin: number };
/** Deviations that count as one. */
const SPREAD: Profile = { levelDb: 1.5, midi: 6, thin: 0.7 };
const KEYS = ['levelDb', 'midi', 'thin'] as const;
const ROUNDS = 8;

type Side = 'pulse1' | 'pulse2';

/**
 * Which pulse plays each note: at first, of two that sound together the louder and higher one is pulse 1's, the melody's;
 * then each goes to the voice whose notes are like it in level, height and duty, again and again (two means). Notes that
 * have no like are pulse 1's. A note that finds no room is left out.
 */
export function voicesOf(notes: readonly HeardNote[]): PulseNote[] {
  const profiles = notes.map(profileOf);
  let sides = notes.map((note, i) => firstSide(note, profiles[i]!, notes.flatMap((x, j) => (j !== i && overlap(note, x) ? [profiles[j]!] : []))));
  for (let round = 0; round < ROUNDS; round++) sides = assigned(notes, profiles, sides);
  return notes.flatMap(({ at, midi, levels, thin }, i): PulseNote[] => {
    const channel = sides[i];
    return channel === undefined ? [] : [{ channel, at, frames: levels.length, midi, duty: thin > 0.5 ? 1 : 0 }];
  });
}

const profileOf = ({ levels, thin, midi }: HeardNote): Profile => ({ levelDb: 20 * Math.log10(Math.max(levels[0]!, levels[1] ?? 0)), midi, thin });
const isInRange = (side: Side, midi: number): boolean => midi >= RANGE[side].lowest && midi <= RANGE[side].highest;
const overlap = (a: HeardNote, b: HeardNote): boolean => a.at < b.at + b.levels.length && b.at < a.at + a.levels.length;

function firstSide({ midi }: HeardNote, profile: Profile, [beside]: readonly Profile[]): Side | undefined {
  if (!isInRange('pulse2', midi)) return 'pulse1';
  if (!isInRange('pulse1', midi)) return 'pulse2';
  if (beside === undefined) return undefined;
  const lead = ({ levelDb, midi: height }: Profile): number => levelDb / 3 + height / 6;
  return lead(profile) >= lead(beside) ? 'pulse1' : 'pulse2';
}

/** The notes that are most like one voice choose first. */
function assigned(notes: readonly HeardNote[], profiles: readonly Profile[], before: readonly (Side | undefined)[]): (Side | undefined)[] {
  const mean = (side: Side): Profile | undefined => meanOf(profiles.filter((_, i) => before[i] === side));
  const [first, second] = [mean('pulse1'), mean('pulse2')];
  const likesFirst = (profile: Profile): number => (second === undefined ? 1 : first === undefined ? -1 : distance(profile, second) - distance(profile, first));
  const likes = profiles.map(likesFirst);
  const sides = notes.map((): Side | undefined => undefined);
  const order = [...notes.keys()].sort((i, j) => Math.abs(likes[j]!) - Math.abs(likes[i]!) || i - j);
  for (const i of order) {
    const isFree = (side: Side): boolean => isInRange(side, notes[i]!.midi) && !notes.some((note, j) => sides[j] === side && overlap(note, notes[i]!));
    const wanted: readonly Side[] = likes[i]! >= 0 ? ['pulse1', 'pulse2'] : ['pulse2', 'pulse1'];
    sides[i] = wanted.find(isFree);
  }
  return sides;
}

function meanOf(profiles: readonly Profile[]): Profile | undefined {
  if (profiles.length === 0) return undefined;
  const of = (key: keyof Profile): number => profiles.reduce((sum, profile) => sum + profile[key], 0) / profiles.length;
  return { levelDb: of('levelDb'), midi: of('midi'), thin: of('thin') };
}

const distance = (a: Profile, b: Profile): number => KEYS.reduce((sum, key) => sum + ((a[key] - b[key]) / SPREAD[key]) ** 2, 0);
