/** A note in frames, before a channel plays it. */
export type FrameNote = { readonly at: number; readonly frames: number; readonly midi: number; readonly velocity: number; readonly program: number };

/**
 * One voice out of notes that sound together, and what it leaves: of notes that begin in one frame the highest (lowest)
 * one; a note that begins under (over) one that sounds is left unless less than half of it lies there, and then cuts
 * that one off.
 * @param notes in any order
 * @returns both by time
 */
export function outerVoice(notes: readonly FrameNote[], side: 'highest' | 'lowest'): { voice: FrameNote[]; left: FrameNote[] } {
  const outer = side === 'highest' ? (a: FrameNote, b: FrameNote) => b.midi - a.midi : (a: FrameNote, b: FrameNote) => a.midi - b.midi;
  const voice: FrameNote[] = [];
  const left: FrameNote[] = [];
  for (const note of [...notes].sort((a, b) => a.at - b.at || outer(a, b) || b.frames - a.frames)) {
    const before = voice.at(-1);
    const covered = before === undefined ? 0 : before.at + before.frames - note.at;
    const isTogether = before?.at === note.at;
    const isCovered = before !== undefined && covered > 0 && outer(before, note) < 0 && 2 * covered >= note.frames;
    if (isTogether || isCovered) {
      left.push(note);
      continue;
    }
    if (before !== undefined && covered > 0) voice[voice.length - 1] = { ...before, frames: note.at - before.at };
    voice.push(note);
  }
  return { voice, left };
}

/** The most notes that sound in one frame. */
export function peakPolyphony(notes: readonly FrameNote[]): number {
  const edges = notes.flatMap(({ at, frames }): [number, number][] => [[at, 1], [at + frames, -1]]).sort(([a, x], [b, y]) => a - b || x - y);
  let sounding = 0;
  return edges.reduce((peak, [, change]) => Math.max(peak, (sounding += change)), 0);
}

/**
 * The octaves, in semitones, that bring the most notes into a range; the smallest move of equally good ones.
 */
export function octaveShift(notes: readonly { readonly midi: number }[], { lowest, highest }: { lowest: number; highest: number }): number {
  const outside = (shift: number): number => notes.filter(({ midi }) => midi + shift < lowest || midi + shift > highest).length;
  const shifts = [0, 12, -12, 24, -24, 36, -36, 48, -48, 60, -60];
  return shifts.reduce((best, shift) => (outside(shift) < outside(best) ? shift : best));
}
