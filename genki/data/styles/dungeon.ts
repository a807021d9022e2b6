import type { Style } from './style.ts';

/** Under the earth: a low line that creeps by half steps over a drone. */
export const dungeon: Style = {
  name: 'dungeon',
  modes: [{ mode: 'phrygian', mood: 'eerie' }, { mode: 'minor', mood: 'dark' }],
  framesPerBeat: [6, 8],
  beats: 4,
  tonics: [1, 3, 6, 11],
  chord: [0, 2, 4],
  progressions: [[0, 0, 1, 0], [0, 1, 0, 6], [0, 0, 5, 1], [0, 6, 1, 0]],
  forms: ['AABC', 'ABAC', 'AAAB'],
  lead: { lowest: 57, cells: ['x', '-', '-', '.', '.x', 'x.'], starts: [0, 1, 2, 4], moves: [-1, 1, 1, -1, -2, 4], articulation: 0.7 },
  textures: [
    { kind: 'pattern', bar: '0...2...1...2...', word: 'ostinato' },
    { kind: 'pattern', bar: '....3-2-....1-0-', word: 'stabs' },
    { kind: 'pattern', bar: '0-1-0-2-0-1-0-2-', word: 'ostinato' },
  ],
  basses: ['0-------', '0------v', '0---0---'],
  bassLowest: 26,
  drums: [{ bar: 'B-------', fill: 'B---L-L-' }, { bar: 'B---L---', fill: 'B-L-L-LL' }, { bar: '', fill: '' }],
  duties: [1, 1],
};
