import { describe, expect, it } from 'vitest';
import { accept } from '../../../genki/evaluation/acceptance.ts';
import type { Evaluate, Trial } from '../../../genki/evaluation/scale-search.ts';
import { judgeBy, UNDECIDED } from '../../../genki/evaluation/verdict.ts';
import { Random } from '../../../genki/protocol/random.ts';
import { game, holdOut, honest, learned, unlike, type Player } from './game.ts';

const thresholds = { acceptZ: 2, minimumShare: 0.02, styleShare: 1 / 6, guardNats: 0.1 };
const part = { styles: ['new', 'new', 'old', 'old'], floors: { new: 0 }, guards: ['old'] };
const trial = (losses: readonly number[], more: Partial<Trial> = {}): Trial => ({ members: [0], beside: [0], limit: 1, at: 0, losses, gain: 0.5, excess: -0.1, ...more });
const none = trial([2, 2, 1, 1], { members: [], gain: 0 });
const judge = judgeBy({ holdOut: part, units: { new: 2 }, candidates: 1, thresholds });

describe('judgeBy', () => {
  it('says by how much a verdict holds', () => {
    // it learns half of what can be learned for certain; a sixth of the gain is a twelfth
    expect(judge(0, trial([1, 1, 1, 1]), { same: none }).verdict).toMatchObject({ accepted: true, margin: expect.closeTo(0.5 - 0.5 / 6, 9) });
    // a fiftieth, beside .01 as a fiftieth of the gain
    expect(judge(0, trial([1.96, 1.96, 1, 1]), { same: none, best: none }).verdict).toMatchObject({ accepted: true, margin: expect.closeTo(0.02 - 0.01, 9) });
    expect(judge(0, trial([1.99, 1.99, 1, 1]), { same: none, best: none }).verdict).toMatchObject({ accepted: false, margin: expect.closeTo(0.005 - 0.01, 9) });
  });

  it('counts the guard where that is nearer', () => {
    const forgot = { style: 'old', loss: 0.09 };
    expect(judge(0, trial([1, 1, 1.09, 1.09], { forgot, excess: -0.01 }), { same: none }).verdict).toMatchObject({ accepted: true, margin: 0.01 });
    expect(judge(0, trial([1, 1, 1.12, 1.12], { forgot: { style: 'old', loss: 0.12 }, excess: 0.02 }), { same: none }).verdict).toMatchObject({ accepted: false, margin: -0.02 });
  });

  it('has no margin where a loss is no number', () => {
    expect(judge(0, trial([NaN, 1, 1, 1]), { same: none }).verdict).toMatchObject({ accepted: false, margin: null, marginal: null });
  });
});

describe('UNDECIDED', () => {
  it('is as far as losses of another engine move a margin at the same scale, and no verdict beyond it changes', async () => {
    const honests = Object.keys(learned).map(honest);
    let compared = 0;
    for (let seed = 0; seed < 150; seed++) {
      const random = new Random(`engines ${seed}`);
      const weak: Player = { name: 'weak', moves: { swing: 0.5 * random.float(), march: 0.1 * random.float() }, waste: 0.3 * random.float() };
      const players = random.shuffle([...honests, weak]);
      const exact = game(players, `${seed}`);
      const other: Evaluate = async (terms) => (await exact(terms)).map((loss) => loss + 1e-4 * (2 * random.float() - 1));
      const [one, two] = await Promise.all([exact, other].map((evaluate) => accept({ candidates: players.map((_, i) => i), gram: unlike(6), evaluate, holdOut: holdOut(), scales: [0.2, 0.4, 0.6, 0.8], thresholds: { ...thresholds, normFloor: 0.5, normCap: 20 } })));
      const decided = one!.verdicts.every(({ margin }) => Math.abs(margin!) > UNDECIDED);
      if (decided) expect(two!.accepted).toEqual(one!.accepted);
      if (one!.scale !== two!.scale || one!.accepted.join() !== two!.accepted.join()) continue;
      compared++;
      one!.verdicts.forEach(({ margin, accepted }, i) => {
        expect(accepted).toBe(margin! > 0);
        expect(Math.abs(margin! - two!.verdicts[i]!.margin!)).toBeLessThan(UNDECIDED);
      });
    }
    expect(compared).toBeGreaterThan(120);
  });
});
