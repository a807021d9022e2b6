import { updateNorm, type Adapter, type AdapterLayer } from '../music/lora.ts';
import type { Random } from '../protocol/random.ts';
import { changed, times } from './matrices.ts';

/** Random matrices as long as honest ones: what was never trained, to be paid for being different. It lowers no loss, so it is not accepted. */
export const junk = (honest: Adapter, random: Random): Adapter =>
  changed(honest, (layer) => {
    const norm = (one: AdapterLayer): number => updateNorm({ config: honest.config, layers: new Map([['', one]]) });
    const a = layer.a.map(() => random.normal());
    const b = layer.b.map(() => random.normal());
    return { a, b: times(b, norm(layer) / norm({ ...layer, a, b })) };
  });

/** Nothing at all, in the right shape. It adds nothing. */
export const nothing = (adapter: Adapter): Adapter => changed(adapter, ({ a, b }) => ({ a, b: times(b, 0) }));
