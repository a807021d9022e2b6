import type { Duty } from '../music/apu/codes.ts';
import type { Random } from '../protocol/random.ts';
import { ALL_STICKS, type Stick, STICKS } from './drum-notation.ts';
import type { Key } from './harmony.ts';
import { CELLS } from './rhythm.ts';
import type { FramesPerBeat, Style, Texture } from './styles/style.ts';
import type { Word } from './words.ts';

/** A bar of melody: how each beat is filled, and for every note its step above the chord's root. */
export type Motif = { readonly cells: readonly string[]; readonly steps: readonly number[] };

/** How the second four bars differ from the first: not at all, two steps up, or with a run into the next bar. */
export const VARIATIONS = ['plain', 'lifted', 'running'] as const;
export type Variation = (typeof VARIATIONS)[number];

/** All that chance decides about a piece; the rest follows. */
export type Plan = {
  readonly key: Key;
  readonly mood: Word;
  readonly framesPerBeat: FramesPerBeat;
  readonly progression: readonly number[];
  readonly form: string;
  readonly motifs: { readonly A: Motif; readonly B: Motif };
  readonly variation: Variation;
  /** Semitones that the melody lies higher than the style's habit: −4, 0 or 4. */
  readonly register: number;
  /** The part of its length that a note of the melody sounds. */
  readonly articulation: number;
  readonly texture: Texture;
  readonly bass: string;
  /** Semitones that the bass lies higher than the style's habit: −12, 0 or 12. */
  readonly bassRegister: number;
  readonly drums: { readonly bar: string; readonly fill: string };
  /** What each symbol of the drum pattern strikes. */
  readonly kit: Readonly<Record<string, Stick>>;
  readonly duties: readonly [Duty, Duty];
};

// Pieces that leave their style's habit teach a model the codes that other styles live on: without them the trial's
// base met thin high leads for the first time in a miner's data and gave them more than a uniform guess would.
const FLIPPED_DUTY = 0.3;
const FOREIGN_CELL = 0.1;
const FOREIGN_ARTICULATION = 0.2;
const FOREIGN_KIT = 0.1;
const REGISTERS = [-4, 0, 0, 4] as const;
const BASS_REGISTERS = [0, 0, 0, 0, 0, 0, -12, 12] as const;
const ARTICULATIONS = [0.5, 0.75, 1] as const;
const STEPS = { lowest: -4, highest: 9 } as const;

export function drawPlan(style: Style, random: Random): Plan {
  const { mode, mood } = random.pick(style.modes);
  const drums = random.pick(style.drums);
  const duty = (usual: Duty): Duty => (random.chance(FLIPPED_DUTY) ? (1 - usual) as Duty : usual);
  return {
    key: { tonic: random.pick(style.tonics), mode },
    mood,
    framesPerBeat: random.pick(style.framesPerBeat),
    progression: random.pick(style.progressions),
    form: random.pick(style.forms),
    motifs: { A: drawMotif(style, random), B: drawMotif(style, random) },
    variation: random.pick(VARIATIONS),
    register: random.pick(REGISTERS),
    articulation: random.chance(FOREIGN_ARTICULATION) ? random.pick(ARTICULATIONS) : style.lead.articulation,
    texture: random.pick(style.textures),
    bass: random.pick(style.basses),
    bassRegister: random.pick(BASS_REGISTERS),
    drums,
    kit: random.chance(FOREIGN_KIT) ? foreignKit(drums, random) : STICKS,
    duties: [duty(style.duties[0]), duty(style.duties[1])],
  };
}

/** Any drum at any volume for each symbol of a pattern. */
function foreignKit({ bar, fill }: Plan['drums'], random: Random): Plan['kit'] {
  const symbols = new Set((bar + fill).replaceAll(/[.-]/g, ''));
  return Object.fromEntries([...symbols].map((symbol) => [symbol, random.pick(ALL_STICKS)]));
}

function drawMotif({ beats, lead }: Style, random: Random): Motif {
  const cells = Array.from({ length: beats }, (_, beat) => {
    const cell = random.chance(FOREIGN_CELL) ? random.pick(CELLS) : random.pick(lead.cells);
    return beat === 0 && !cell.startsWith('x') ? 'x' : cell; // a motif begins with a note
  });
  const steps: number[] = [];
  for (let note = noteCount(cells); note > 0; note--) {
    const last = steps.at(-1);
    steps.push(last === undefined ? random.pick(lead.starts) : within(last, random.pick(lead.moves)));
  }
  return { cells, steps };
}

export const noteCount = (cells: readonly string[]): number => cells.join('').split('x').length - 1;

/** A move that would leave the range is made the other way. */
function within(step: number, move: number): number {
  const to = step + move;
  return to < STEPS.lowest || to > STEPS.highest ? step - move : to;
}
