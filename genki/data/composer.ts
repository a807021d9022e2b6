import { CHANNELS, CLIP_FRAMES, encodeNotes, RANGE, type DrumHit, type Duty, type NoteEvent, type PulseNote, type TriangleNote } from '../music/apu/codes.ts';
import { ringFrames } from '../music/apu/drums.ts';
import type { Clip } from '../music/clip.ts';
import { Random } from '../protocol/random.ts';
import { captionOf } from './caption.ts';
import { chordStep, folded, nearestChordStep, placed } from './harmony.ts';
import { drawPlan, noteCount, type Motif, type Plan } from './plan.ts';
import { strokes } from './rhythm.ts';
import type { Style } from './styles/style.ts';
import { styleNamed } from './styles/styles.ts';

/**
 * A piece of 128 frames in a style, the same for the same seed: four bars of a progression, two motifs in a form such
 * as AABC, and again with a variation, accompanied by patterns.
 * @param seed any text
 * @throws {InvalidInput} when there is no such style
 */
export function compose({ style: name, seed }: { style: string; seed: string }): Clip {
  const style = styleNamed(name);
  const plan = drawPlan(style, new Random(`compose/${name}/${seed}`));
  const notes = perform(style, plan);
  return {
    codes: encodeNotes(notes, CLIP_FRAMES),
    numCodebooks: CHANNELS.length,
    frames: CLIP_FRAMES,
    caption: captionOf(style, plan, notes),
    style: name,
  };
}

/** One bar: where it lies, in frames, its chord and the next one, as degrees. */
type Bar = { readonly index: number; readonly at: number; readonly frames: number; readonly root: number; readonly next: number };
/** A note of the melody: its place and its degree of the scale. */
type LeadNote = { readonly at: number; readonly frames: number; readonly degree: number; readonly root: number };

const BARS_OF_FORM = 4;

/** The notes of a piece. */
export function perform(style: Style, plan: Plan): NoteEvent[] {
  const bars = barsOf(style, plan);
  const lead = bars.flatMap((bar) => melody(style, plan, bar));
  const notes: NoteEvent[] = [
    ...lead.map((note) => pulse1(style, plan, note)),
    ...accompaniment(style, plan, { bars, lead }),
    ...bars.flatMap((bar) => bass(style, plan, bar)),
    ...bars.flatMap((bar) => percussion(plan, bar)),
  ];
  return notes.filter(({ at }) => at < CLIP_FRAMES).map((note) => ({ ...note, frames: Math.min(note.frames, CLIP_FRAMES - note.at) }));
}

function barsOf({ beats }: Style, { framesPerBeat, progression }: Plan): Bar[] {
  const frames = beats * framesPerBeat;
  const root = (index: number): number => progression[index % BARS_OF_FORM]!;
  return Array.from({ length: Math.ceil(CLIP_FRAMES / frames) }, (_, index) => ({ index, at: index * frames, frames, root: root(index), next: root(index + 1) }));
}

function melody(style: Style, plan: Plan, bar: Bar): LeadNote[] {
  const { cells, steps } = motifOf(plan, bar.index);
  return strokes(cells, { at: bar.at, frames: plan.framesPerBeat }).map(({ at, frames }, n) => {
    const onBeat = (at - bar.at) % plan.framesPerBeat === 0;
    const step = onBeat ? nearestChordStep(style.chord, steps[n]!) : steps[n]!;
    return { at, frames: Math.max(1, Math.round(frames * plan.articulation)), degree: bar.root + step, root: bar.root };
  });
}

function motifOf({ form, motifs, variation }: Plan, bar: number): Motif {
  const letter = form[bar % BARS_OF_FORM];
  if (letter === 'C') return cadence(motifs.A);
  const motif = letter === 'A' ? motifs.A : motifs.B;
  const again = bar % (2 * BARS_OF_FORM) >= BARS_OF_FORM;
  if (!again || variation === 'plain') return motif;
  return variation === 'lifted' ? { cells: motif.cells, steps: motif.steps.map((step) => step + 2) } : running(motif);
}

/** The motif's first beat, then the chord's root to the end of the bar. */
function cadence({ cells, steps }: Motif): Motif {
  const first = cells.slice(0, 1);
  return { cells: [...first, 'x', ...cells.slice(2).map(() => '-')], steps: [...steps.slice(0, noteCount(first)), 0] };
}

/** The motif with its last beat filled by four falling notes. */
function running({ cells, steps }: Motif): Motif {
  const kept = cells.slice(0, -1);
  const before = steps.slice(0, noteCount(kept));
  const top = (before.at(-1) ?? 0) + 3;
  return { cells: [...kept, 'xxxx'], steps: [...before, top, top - 1, top - 2, top - 3] };
}

function pulse1({ lead }: Style, { key, register, duties }: Plan, { at, frames, degree, root }: LeadNote): PulseNote {
  const midi = placed(key, { root, degree, lowest: lead.lowest + register });
  return { channel: 'pulse1', at, frames, midi: folded(midi, RANGE.pulse1), duty: duties[0] };
}

/** Lowest note of the octave that chords are put into. */
const CHORD_LOWEST = 52;

function accompaniment({ chord, lead: { lowest } }: Style, plan: Plan, { bars, lead }: { bars: readonly Bar[]; lead: readonly LeadNote[] }): PulseNote[] {
  const { key, texture, register } = plan;
  const note = ({ at, frames }: { at: number; frames: number }, midi: number): PulseNote => {
    const duty: Duty = plan.duties[1];
    return { channel: 'pulse2', at, frames, midi: folded(midi, RANGE.pulse2), duty };
  };
  if (texture.kind === 'parallel') {
    return lead.map((of) => note(of, placed(key, { root: of.root, degree: of.degree + texture.steps, lowest: lowest + register })));
  }
  return bars.flatMap((bar) => strokes([texture.bar], bar).map((stroke) => {
    const degree = bar.root + chordStep(chord, Number(stroke.symbol));
    return note(stroke, placed(key, { root: bar.root, degree, lowest: CHORD_LOWEST }));
  }));
}

function bass({ chord, bassLowest }: Style, { key, bass: pattern, bassRegister }: Plan, bar: Bar): TriangleNote[] {
  const lowest = bassLowest + bassRegister;
  return strokes([pattern], bar).map(({ symbol, at, frames }) => {
    const midi =
      symbol === 'a'
        ? placed(key, { root: bar.next, degree: bar.next - 1, lowest })
        : placed(key, { root: bar.root, degree: bar.root + chordStep(chord, symbol === 'v' ? -1 : Number(symbol)), lowest });
    return { channel: 'triangle', at, frames, midi: folded(midi, RANGE.triangle) };
  });
}

function percussion({ drums, kit }: Plan, bar: Bar): DrumHit[] {
  const pattern = bar.index % BARS_OF_FORM === BARS_OF_FORM - 1 ? drums.fill : drums.bar;
  return strokes([pattern], bar).map(({ symbol, at, frames }) => {
    const { drum, volume } = kit[symbol]!;
    return { channel: 'noise', at, frames: Math.max(frames, ringFrames(drum)), drum, volume };
  });
}
