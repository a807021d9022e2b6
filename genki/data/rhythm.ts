/**
 * Rhythms are written as text, one character for an equal part of their span: any symbol begins a sound, `-` lets it
 * sound on, `.` is silence. `x-xx` in a beat is a gallop, `x-x` a swung pair.
 */
export type Stroke = { readonly symbol: string; readonly at: number; readonly frames: number };

/**
 * The strokes of some patterns played one after the other; `-` at a pattern's start ties to the one before.
 * @param span where the first pattern begins and how long each lasts, in frames; at least a frame per character
 */
export function strokes(patterns: readonly string[], span: { at: number; frames: number }): Stroke[] {
  const out: { symbol: string; at: number; frames: number }[] = [];
  let sounding = false;
  patterns.forEach((pattern, p) => {
    const from = span.at + p * span.frames;
    pattern.split('').forEach((symbol, i) => {
      const at = from + Math.round((i * span.frames) / pattern.length);
      const frames = from + Math.round(((i + 1) * span.frames) / pattern.length) - at;
      if (symbol === '-' && sounding) out.at(-1)!.frames += frames;
      else if ((sounding = symbol !== '.' && symbol !== '-')) out.push({ symbol, at, frames });
    });
  });
  return out;
}

/** Every way to fill a beat of melody; a style prefers some and now and then borrows another. */
export const CELLS = ['x', 'xx', 'x--x', 'x-x', 'xxx', 'x-xx', 'xxx-', 'xxxx', '-', '.x', 'x.', '-x', 'x...', '.-x', 'x.xx', '.'] as const;
export type Cell = (typeof CELLS)[number];
