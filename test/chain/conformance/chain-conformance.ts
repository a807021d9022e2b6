import { describe } from 'vitest';
import { blocksConformance } from './blocks.ts';
import { commitRevealConformance } from './commit-reveal.ts';
import { commitmentsConformance } from './commitments.ts';
import { epochsConformance } from './epochs.ts';
import { extrinsicsConformance } from './extrinsics.ts';
import { mechanismsConformance } from './mechanisms.ts';
import type { CreateNetwork } from './network.ts';
import { registrationConformance } from './registration.ts';
import { servingConformance } from './serving.ts';
import { weightsConformance } from './weights.ts';

/**
 * Every behaviour of a chain that the rest of the system relies on, by the `Chain` interface alone: the local chain and
 * a real node have to pass the same.
 *
 * @param create a fresh subnet that keeps the rules; each group has one of its own
 */
export function chainConformance(name: string, create: CreateNetwork): void {
  describe(name, () => {
    blocksConformance(create);
    commitmentsConformance(create);
    weightsConformance(create);
    mechanismsConformance(create);
    commitRevealConformance(create);
    registrationConformance(create);
    servingConformance(create);
    extrinsicsConformance(create);
    epochsConformance(create);
  });
}
