import type { Style } from './style.ts';

/** Wide and still: slow open chords, few notes, hardly a drum. */
export const ambient: Style = {
  name: 'ambient',
  modes: [{ mode: 'lydian', mood: 'dreamy' }, { mode: 'major', mood: 'calm' }],
  framesPerBeat: [8],
  beats: 4,
  tonics: [4, 11, 6, 8],
  chord: [0, 4, 8],
  progressions: [[0, 1, 0, 4], [0, 4, 3, 1], [0, 2, 5, 1], [5, 3, 0, 4]],
  forms: ['AABC', 'ABAB', 'AABA'],
  lead: { lowest: 69, cells: ['x', '-', '-', '-', '.'], starts: [2, 4, 7], moves: [2, -2, 4, -3, -1], articulation: 1 },
  textures: [
    { kind: 'pattern', bar: '0-1-2-1-', word: 'arpeggio' },
    { kind: 'pattern', bar: '0--1--2-', word: 'arpeggio' },
    { kind: 'pattern', bar: '2---1---', word: 'stabs' },
  ],
  basses: ['0---------------', '0-------2-------', '........0-------'],
  bassLowest: 48,
  drums: [{ bar: '', fill: '' }, { bar: '', fill: '' }, { bar: 'z---z---', fill: 'z---z---' }, { bar: 'g-----------b---', fill: 'g-----------b---' }],
  duties: [0, 0],
};
