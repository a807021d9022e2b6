import type { Style } from './style.ts';

/** A fight: galloping sixteenths in minor over pumping octaves. */
export const battle: Style = {
  name: 'battle',
  modes: [{ mode: 'minor', mood: 'fierce' }, { mode: 'harmonic', mood: 'heroic' }],
  framesPerBeat: [4],
  beats: 4,
  tonics: [9, 4, 2, 11, 7],
  chord: [0, 2, 4],
  progressions: [[0, 5, 6, 0], [0, 0, 5, 6], [0, 3, 5, 4], [0, 6, 5, 4], [0, 5, 3, 4]],
  forms: ['AABC', 'ABAC', 'ABBC'],
  lead: { lowest: 66, cells: ['xx', 'xx', 'x-xx', 'xxx-', 'xxxx', 'x'], starts: [0, 4, 7], moves: [-1, -1, 1, 1, 0, 2, -3], articulation: 1 },
  textures: [
    { kind: 'pattern', bar: '0123012301230123', word: 'arpeggio' },
    { kind: 'pattern', bar: '0-000-000-000-00', word: 'ostinato' },
    { kind: 'pattern', bar: '0-2-3-2-0-2-3-2-', word: 'arpeggio' },
  ],
  basses: ['03030303', '0-000-000-000-00', '0-0-3-0-0-0-3-v-'],
  bassLowest: 33,
  drums: [{ bar: 'KhShKhSh', fill: 'KhShSSSS' }, { bar: 'KhShKKSh', fill: 'KTTMMLLS' }, { bar: 'K-SsK-Ss', fill: 'CsSsSsSS' }],
  duties: [1, 0],
};
