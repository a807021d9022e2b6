import { byteCopy } from '../../../genki/attacks/byte-copy.ts';
import { mixture, type Part } from '../../../genki/attacks/mixture.ts';
import { nearTwin } from '../../../genki/attacks/near-twin.ts';
import { noisyCopy } from '../../../genki/attacks/noisy-copy.ts';
import { orthogonalNoise } from '../../../genki/attacks/orthogonal-noise.ts';
import { rescaledCopy, rotatedCopy } from '../../../genki/attacks/same-update.ts';
import { signFlip } from '../../../genki/attacks/sign-flip.ts';
import type { Adapter } from '../../../genki/music/lora.ts';
import type { Cast, Play } from '../cast.ts';
import type { Scenario } from './scenario.ts';

const VICTIM = 'dungeon';

/** Made from the victim's update once its key is out, and committed after everybody. */
const copy = (name: string, tries: string, make: (victim: Adapter, cast: Cast) => Adapter | Promise<Adapter>): [string, Scenario] => [
  name,
  { tries, play: async (cast): Promise<Play> => ({ epoch: cast.epoch, attackers: [cast.hostile(name, await make(cast.adapter(VICTIM), cast))], place: { at: 'last' } }) },
];

/** Each a little under noise, so that not even a part of it is anybody's. */
const mixed = (cast: Cast, styles: readonly string[]): Adapter => {
  const random = cast.random('mixture');
  const [first, ...rest] = styles.map((style): Part => ({ adapter: noisyCopy(cast.adapter(style), random), weight: 1 }));
  return mixture([first!, ...rest]);
};

export const copies: ReadonlyMap<string, Scenario> = new Map([
  copy('byte-copy', 'the same bytes under another hotkey', byteCopy),
  copy('noisy-copy', 'a copy under a tenth of noise', (victim, cast) => noisyCopy(victim, cast.random('noise'))),
  ...[0.5, 1, 2, 4].map((amount) => copy(`orthogonal-noise-${amount}`, `a copy beside ${amount} times as much of noise`, (victim, cast) => orthogonalNoise(victim, cast.random('noise'), amount))),
  copy('rescaled-copy', 'the same update, A longer and B shorter', (victim) => rescaledCopy(victim, 4)),
  copy('rotated-copy', 'the same update from rotated matrices', (victim, cast) => rotatedCopy(victim, cast.random('rotation'))),
  copy('mixture-of-two', 'noisy copies of two, averaged within the rank', (_, cast) => mixed(cast, ['dungeon', 'march'])),
  copy('mixture-of-all', 'noisy copies of all, averaged within the rank', (_, cast) => mixed(cast, cast.epoch.honest.map(({ name }) => name))),
  copy('sign-flip', 'a copy that undoes the original', signFlip),
  copy('near-twin', 'half a copy, half trained, to push out its victim', async (_, cast) => nearTwin(cast.adapter('swing'), await cast.train('rival-swing', cast.music('swing')), 0.48)),
]);
