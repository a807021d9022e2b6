import type { Style } from './style.ts';

/** A dance in three: a singing line over a low one and two light beats. */
export const waltz: Style = {
  name: 'waltz',
  modes: [{ mode: 'major', mood: 'graceful' }, { mode: 'minor', mood: 'wistful' }],
  framesPerBeat: [5, 6],
  beats: 3,
  tonics: [7, 2, 9, 0, 5],
  chord: [0, 2, 4],
  progressions: [[0, 0, 4, 0], [0, 3, 4, 0], [0, 5, 3, 4], [0, 4, 4, 0], [0, 5, 1, 4]],
  forms: ['ABAC', 'AABC', 'ABBC'],
  lead: { lowest: 65, cells: ['x', 'x', 'x', '-', '-', 'xx'], starts: [0, 2, 4, 7], moves: [-1, -1, 1, 1, 2, -2, 3], articulation: 1 },
  textures: [
    { kind: 'pattern', bar: '..1.2.', word: 'offbeat' },
    { kind: 'pattern', bar: '..2-2-', word: 'offbeat' },
    { kind: 'pattern', bar: '012321', word: 'arpeggio' },
  ],
  basses: ['0-....', '0---..', '0---v-'],
  bassLowest: 36,
  drums: [{ bar: 'k.h.h.', fill: 'k.h.hh' }, { bar: 'k.t.t.', fill: 'k.t.tt' }, { bar: '', fill: '' }],
  duties: [0, 0],
};
