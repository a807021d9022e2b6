import type { Style } from './style.ts';

/** A friendly place: an easy tune over root and fifth. */
export const town: Style = {
  name: 'town',
  modes: [{ mode: 'major', mood: 'cheerful' }, { mode: 'mixolydian', mood: 'breezy' }],
  framesPerBeat: [5, 6],
  beats: 4,
  tonics: [0, 2, 5, 7, 9],
  chord: [0, 2, 4],
  progressions: [[0, 5, 3, 4], [0, 3, 0, 4], [0, 4, 5, 3], [0, 3, 4, 0], [0, 1, 4, 0]],
  forms: ['AABC', 'ABAC', 'AAAC'],
  lead: { lowest: 64, cells: ['x', 'x', 'xx', 'xx', 'x--x', '-'], starts: [0, 2, 4], moves: [-1, -1, 1, 1, 2, -2], articulation: 0.9 },
  textures: [
    { kind: 'pattern', bar: '.1.2.1.2', word: 'offbeat' },
    { kind: 'pattern', bar: '0-1-2-1-', word: 'arpeggio' },
    { kind: 'parallel', steps: -2, word: 'harmony' },
  ],
  basses: ['0-..v-..', '0-0-v-v-', '0--02-v-'],
  bassLowest: 36,
  drums: [{ bar: 'KhshKhsh', fill: 'KhshKsss' }, { bar: 'k.i.k.i.', fill: 'k.i.kiii' }, { bar: 'ztztztzt', fill: 'ztztttss' }, { bar: '', fill: '' }],
  duties: [0, 1],
};
