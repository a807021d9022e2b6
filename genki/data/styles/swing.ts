import type { Style } from './style.ts';

/** A small band: walking bass, ride cymbal, chords with sevenths and an off-beat tune. */
export const swing: Style = {
  name: 'swing',
  modes: [{ mode: 'dorian', mood: 'jazzy' }, { mode: 'mixolydian', mood: 'cool' }],
  framesPerBeat: [6, 5],
  beats: 4,
  tonics: [10, 5, 3, 8],
  chord: [0, 2, 4, 6],
  progressions: [[0, 3, 0, 4], [1, 4, 0, 5], [0, 5, 1, 4], [0, 0, 3, 0]],
  forms: ['AABC', 'ABAC', 'AAAB'],
  lead: { lowest: 62, cells: ['x-x', 'x-x', '.-x', '-x', '-', 'xxx'], starts: [2, 4, 6], moves: [-1, -1, 1, 1, -2, 3], articulation: 0.85 },
  textures: [
    { kind: 'pattern', bar: '..2.....3...', word: 'stabs' },
    { kind: 'pattern', bar: '2-....3-....', word: 'stabs' },
    { kind: 'pattern', bar: '.....1-2-...', word: 'offbeat' },
  ],
  basses: ['012a', '021a', '0v1a'],
  bassLowest: 31,
  drums: [{ bar: 'D..D.dD..D.d', fill: 'D..D.dS.sS.s' }, { bar: 'D..h.dD..h.d', fill: 'D..h.dTTMMLL' }, { bar: 'd..d..d..d..', fill: 'd..d..d..s.s' }],
  duties: [0, 1],
};
