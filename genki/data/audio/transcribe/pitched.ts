import type { TriangleNote } from '../../../music/apu/codes.ts';
import type { Part } from './decompose.ts';
import type { Heard } from './heard.ts';

/** A note as it is heard, its level in each of its frames. */
export type HeardNote = { readonly at: number; readonly midi: number; readonly levels: readonly number[]; /** share of it that is a thin pulse */ readonly thin: number };

/** Of the chip's own level: what is fainter is no note. A triangle does not decay. */
const FAINT = { pulse: 0.2, triangle: 0.4 } as const;
/** A pulse decays while it is held: where it grows by this, and nearly to what it was at most, it is struck anew. */
const STRUCK = { growth: 1.05, most: 0.85 } as const;
/** A triangle that is struck anew begins its wave anew, so that across the beginning of the frame it is weaker by this. */
const BROKEN = 0.95;
/** A triangle that is missed in one frame is held there where it is not weaker by this. */
const HELD = 0.55;

export function pulsesIn({ parts, scale }: Heard): HeardNote[] {
  return runs(stepsOf(parts, 'pulse', FAINT.pulse * scale), ({ level }, { levels }) => level > STRUCK.growth * levels.at(-1)! && level > STRUCK.most * Math.max(...levels));
}

export function trianglesIn(heard: Heard): TriangleNote[] {
  const steps = stepsOf(heard.parts, 'triangle', FAINT.triangle * heard.scale).map(([step]) => step);
  const notes = runs(settled(held(steps, heard)).map((step) => (step === undefined ? [] : [step])), ({ at, midi }) => heard.throughBegin(at, midi) < BROKEN);
  return notes.map(({ at, midi, levels }) => ({ channel: 'triangle', at, midi, frames: levels.length }));
}

type Step = { readonly at: number; readonly midi: number; readonly level: number; readonly isThin: boolean };

function stepsOf(frames: Heard['parts'], kind: 'pulse' | 'triangle', faintest: number): Step[][] {
  const stepOf = ({ atom: { sound }, level }: Part, at: number): Step[] =>
    sound.kind === kind && level >= faintest ? [{ at, midi: sound.midi, level, isThin: sound.kind === 'pulse' && sound.duty === 1 }] : [];
  return frames.map((parts, at) => parts.flatMap((part) => stepOf(part, at)));
}

/** With one pitch where both neighbours have it and it sounds there. */
function held(steps: readonly (Step | undefined)[], heard: Heard): (Step | undefined)[] {
  return steps.map((step, at) => {
    const [before, after] = [steps[at - 1], steps[at + 1]];
    if (before === undefined || after === undefined || before.midi !== after.midi || step?.midi === before.midi) return step;
    return heard.throughFrame(at, before.midi) > HELD ? { ...before, at } : step;
  });
}

/** Without single frames that lie a tone or less beside the note that follows or ends there: so low, a frame is too short to tell. */
function settled(steps: readonly (Step | undefined)[]): (Step | undefined)[] {
  return steps.map((step, at) => {
    if (step === undefined || steps[at - 1]?.midi === step.midi || steps[at + 1]?.midi === step.midi) return step;
    const meant = [1, -1].map((way) => ({ next: steps[at + way], second: steps[at + 2 * way] })).find(({ next, second }) => next !== undefined && next.midi === second?.midi && Math.abs(next.midi - step.midi) <= 2);
    return meant === undefined ? step : { ...step, midi: meant.next!.midi };
  });
}

/** @param isNew whether a note that sounds on begins anew */
function runs(frames: readonly (readonly Step[])[], isNew: (step: Step, sounding: { readonly levels: readonly number[] }) => boolean): HeardNote[] {
  type Run = { at: number; midi: number; levels: number[]; thin: number };
  const notes: Run[] = [];
  let sounding: Run[] = [];
  for (const steps of frames) {
    sounding = steps.map((step) => {
      const { at, midi, level, isThin } = step;
      const before = sounding.find((run) => run.midi === midi);
      const note = before === undefined || isNew(step, before) ? { at, midi, levels: [], thin: 0 } : before;
      if (note !== before) notes.push(note);
      note.levels.push(level);
      if (isThin) note.thin += level;
      return note;
    });
  }
  return notes.map((note) => ({ ...note, thin: note.thin / note.levels.reduce((sum, level) => sum + level, 0) }));
}
