import type { Style } from './style.ts';

/** A fanfare: repeated triplets and leaps, high up, in parallel. */
export const victory: Style = {
  name: 'victory',
  modes: [{ mode: 'major', mood: 'triumphant' }, { mode: 'lydian', mood: 'radiant' }],
  framesPerBeat: [5, 6],
  beats: 4,
  tonics: [10, 3, 8, 0],
  chord: [0, 2, 4],
  progressions: [[0, 0, 3, 0], [0, 1, 0, 4], [0, 6, 3, 0], [0, 3, 1, 0]],
  forms: ['AABC', 'ABAC', 'AAAC'],
  lead: { lowest: 71, cells: ['xxx', 'xxx', 'x', 'x-x', '-', 'x.xx'], starts: [0, 2, 4, 7], moves: [0, 0, 0, 2, 2, -2, 3], articulation: 0.75 },
  textures: [
    { kind: 'parallel', steps: -2, word: 'harmony' },
    { kind: 'parallel', steps: -5, word: 'harmony' },
    { kind: 'pattern', bar: '222...222...', word: 'stabs' },
  ],
  basses: ['0-----2-----', '0--1--2--3--', '000---000---'],
  bassLowest: 40,
  drums: [{ bar: 'S.SrrrS.Srrr', fill: 'SrrSrrSrrSSS' }, { bar: 'K--SrrK--SrS', fill: 'SrrSrrC-----' }, { bar: 'C-----S.SS.S', fill: 'SSSSSSC-----' }],
  duties: [1, 1],
};
