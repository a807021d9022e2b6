import type { Style } from './style.ts';

/** On parade: dotted steps, rolling side drum, the bass on every beat. */
export const march: Style = {
  name: 'march',
  modes: [{ mode: 'major', mood: 'proud' }, { mode: 'minor', mood: 'solemn' }],
  framesPerBeat: [4, 5],
  beats: 4,
  tonics: [10, 3, 8, 1],
  chord: [0, 2, 4],
  progressions: [[0, 0, 4, 4], [0, 4, 0, 4], [0, 3, 1, 4], [3, 0, 4, 0]],
  forms: ['AABC', 'ABAC', 'ABBC'],
  lead: { lowest: 60, cells: ['x--x', 'x--x', 'x', 'x...', 'x.xx'], starts: [0, 4, -3], moves: [3, 2, -2, 1, -4, 0], articulation: 0.6 },
  textures: [
    { kind: 'pattern', bar: '..22..22..22..22', word: 'stabs' },
    { kind: 'pattern', bar: '..2...1...2...1.', word: 'offbeat' },
    { kind: 'parallel', steps: -5, word: 'harmony' },
  ],
  basses: ['0.v.0.v.', '0...2...v...2...', '0.v.0.12'],
  bassLowest: 29,
  drums: [{ bar: 'S.rrS.rrS.rrSrrr', fill: 'S.rrS.rrSrrrSrrr' }, { bar: 'K.S.K.SrK.S.KrSr', fill: 'K.S.K.SrSrrrS...' }, { bar: 'S..SS.S.S..SSrrr', fill: 'SrrrSrrrSrrrC---' }],
  duties: [1, 0],
};
