import { describe, expect, it } from 'vitest';
import { InvalidInput } from '../../../genki/errors.ts';
import { Random } from '../../../genki/protocol/random.ts';
import { holdOutBlocks, turnOf, windowSchedule, windowStep, type WindowStep } from '../../../genki/protocol/window.ts';

const timing = { windowBlocks: 80, uploadBlocks: 4, revealBlocks: 8, successionBlocks: 12 };
const STEPS: readonly WindowStep[] = ['ahead', 'open', 'uploaded', 'disclosing', 'closing', 'over'];

describe('a window of updates', () => {
  it('has its deadline, its close and its turns', () => {
    const schedule = windowSchedule(3, timing);
    // blocks 240 … 319; of the 68 from 327 to the next deadline two turns of twelve blocks leave half
    expect(schedule).toEqual({ first: 240, deadline: 315, last: 319, reveal: 327, turns: 2, over: 351 });
    expect([0, 1].map((rank) => turnOf(schedule, rank, timing))).toEqual([327, 339]);
    expect(holdOutBlocks(schedule, 4)).toEqual([320, 321, 322, 323, 324]);
    expect([239, 240, 314, 315, 318, 319, 326, 327, 350, 351].map((head) => windowStep(schedule, head))).toEqual(['ahead', 'open', 'open', 'uploaded', 'uploaded', 'disclosing', 'disclosing', 'closing', 'closing', 'over']);
  });

  it('gives one validator a turn where there is time for none', () => {
    // Boltzmann's windows of two blocks
    expect(windowSchedule(7, { windowBlocks: 2, uploadBlocks: 1, revealBlocks: 5, successionBlocks: 4 })).toEqual({ first: 14, deadline: 14, last: 15, reveal: 20, turns: 1, over: 24 });
  });

  it('leaves half of the next one to train in, where there is time for a turn', () => {
    const random = new Random('schedules');
    for (let i = 0; i < 2000; i++) {
      const windowBlocks = 1 + random.int(100);
      const any = { windowBlocks, uploadBlocks: random.int(windowBlocks), revealBlocks: 1 + random.int(20), successionBlocks: 1 + random.int(20) };
      const window = random.int(1000);
      const [schedule, next] = [windowSchedule(window, any), windowSchedule(window + 1, any)];
      expect(schedule.first <= schedule.deadline && schedule.deadline <= schedule.last && schedule.last < schedule.reveal).toBe(true);
      expect(schedule.over).toBe(turnOf(schedule, schedule.turns, any));
      expect(schedule.turns === 1 || 2 * (next.deadline - schedule.over) >= next.deadline - schedule.reveal).toBe(true);
      expect(schedule.last + 1).toBe(next.first);
    }
  });

  it('goes on by the newest head, whether blocks are skipped, come late, or a node falls behind', () => {
    const random = new Random('heads');
    for (let i = 0; i < 300; i++) {
      const schedule = windowSchedule(random.int(50), timing);
      let [head, newest, reached] = [Math.max(0, schedule.first - 20), 0, 0];
      while (reached < STEPS.length - 1) {
        // jumps of up to 60 blocks, some of them back
        head = Math.max(0, head + random.int(60) - 10);
        newest = Math.max(newest, head);
        const step = STEPS.indexOf(windowStep(schedule, newest));
        expect(step >= reached).toBe(true);
        expect(windowStep(schedule, head) === STEPS[step] || head < newest).toBe(true);
        reached = step;
      }
    }
  });

  it.each([[-1, timing], [1.5, timing], [1, { ...timing, windowBlocks: 0 }]])('refuses window %d', (window, blocks) => {
    expect(() => windowSchedule(window, blocks)).toThrow(InvalidInput);
  });
});
