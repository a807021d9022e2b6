import { updateCosine } from '../evaluation/similarity.ts';
import { updateNorm, type Adapter } from '../music/lora.ts';
import { mixture } from './mixture.ts';

/** Halvings of the weight: the cosine is met to a thousandth. */
const HALVINGS = 12;

/**
 * The victim's update with so much of the attacker's own in it that the cosine falls to `cosine`: no copy any more, and
 * perhaps better than the victim, whom it would leave with nothing to add. Who came first is dropped last: the later
 * of two that do the same goes.
 *
 * @param own trained by the attacker, unlike the victim's
 */
export function nearTwin(victim: Adapter, own: Adapter, cosine: number): Adapter {
  const length = updateNorm(victim) / updateNorm(own);
  const twin = (share: number): Adapter => mixture([{ adapter: victim, weight: share }, { adapter: own, weight: (1 - share) * length }]);
  let [low, high] = [0, 1];
  for (let i = 0; i < HALVINGS; i++) {
    const middle = (low + high) / 2;
    if (updateCosine(twin(middle), victim) < cosine) low = middle;
    else high = middle;
  }
  return twin(low);
}
