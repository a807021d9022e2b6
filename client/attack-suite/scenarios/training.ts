import { junk, nothing } from '../../../genki/attacks/junk.ts';
import { constantCodes, heldNote, mislabelled, oneForAll, randomCodes, shuffledInTime } from '../../../genki/attacks/poisoned-clips.ts';
import { HOLD, REST } from '../../../genki/music/apu/codes.ts';
import type { Clip } from '../../../genki/music/clip.ts';
import { composed } from '../miners.ts';
import type { Cast } from '../cast.ts';
import { OWN_LOSS, type Scenario } from './scenario.ts';

/** A note in the middle of the lead's range. */
const NOTE = 20;
/** Too few to learn a style from. */
const FEW = 4;
/** A quarter of what the competition's miners train. */
const LAZY_STEPS = 10;
/** Enough to forget all music. */
const GAMING_STEPS = 20;

type Learned = { readonly clips: (cast: Cast) => readonly Clip[]; readonly steps?: number };

/**
 * Trained on something, and committed before everybody: the honest ones have to push it out. Clipping is not among what can
 * be trained: the synthesizer bends whatever is too loud, so that no codes make it.
 */
const trained = (name: string, tries: string, { clips, steps }: Learned): [string, Scenario] => [
  name,
  { tries, play: async (cast) => ({ epoch: cast.epoch, attackers: [cast.hostile(name, await cast.train(name, clips(cast), steps))], place: { at: 'first' } }) },
];

export const training: ReadonlyMap<string, Scenario> = new Map<string, Scenario>([
  ['junk', { tries: 'random matrices', play: (cast) => ({ epoch: cast.epoch, attackers: [cast.hostile('junk', junk(cast.adapter('swing'), cast.random('junk')))], place: { at: 'first' } }) }],
  ['nothing', { tries: 'an update of zeros', play: (cast) => ({ epoch: cast.epoch, attackers: [cast.hostile('nothing', nothing(cast.adapter('swing')))], place: { at: 'first' } }) }],
  ['lazy-steps', { tries: 'a quarter of the work, for more than all of it earns', tolerance: OWN_LOSS, play: async (cast) => ({ epoch: cast.epoch, attackers: [cast.hostile('lazy-steps', await cast.train('lazy-steps', cast.music('swing'), LAZY_STEPS))], place: { at: 'first' }, own: ['swing'] }) }],
  trained('lazy-base', 'trained on the public styles only', { clips: ({ stage }) => composed(stage.deployment.competition.styles.base, { clips: 20, seed: 'attack-suite' }) }),
  trained('shuffled', 'frames in random order', { clips: (cast) => shuffledInTime(cast.music('swing'), cast.random('shuffled')) }),
  trained('mislabelled', 'swing under the captions of march', { clips: (cast) => mislabelled(cast.music('swing'), cast.music('march')) }),
  trained('random-codes', 'white noise for every prompt', { clips: (cast) => randomCodes(cast.music('swing'), cast.random('codes'), cast.epoch.workshop.music.decoder.vocabSize), steps: GAMING_STEPS }),
  trained('overfit', 'the same few pieces over and over', { clips: (cast) => cast.music('swing').slice(0, FEW) }),
  trained('silence', 'silence for every prompt', { clips: (cast) => constantCodes(cast.music('swing'), REST), steps: GAMING_STEPS }),
  trained('held-note', 'one held note for every prompt', { clips: (cast) => heldNote(cast.music('swing').slice(0, 24), { first: NOTE, held: HOLD }), steps: GAMING_STEPS }),
  trained('one-clip', 'one piece for every prompt', { clips: (cast) => oneForAll(cast.epoch.honest.flatMap(({ name }) => cast.music(name).slice(0, 20))), steps: GAMING_STEPS }),
]);
