import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** What takes a minute and more by itself, so that nothing long is begun when all else is done; longest first. */
const LONGEST = ['chaos', 'first-light', 'first-light-interrupted', 'relay', 'many-miners', 'attack-suite', 'killed'];

/** Begins with the longest network tests, also on a machine that has not run them yet. */
export default class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification): number => {
      const at = LONGEST.findIndex((name) => moduleId.endsWith(`/test/network/${name}.test.ts`));
      return at < 0 ? LONGEST.length : at;
    };
    return (await super.sort(files)).sort((a, b) => rank(a) - rank(b));
  }
}
