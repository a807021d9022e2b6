import { afterAll, beforeAll, describe } from 'vitest';
import type { Chain } from '../../../genki/chain/chain.ts';
import { Actor } from './actor.ts';
import { RULES, type ConformanceNetwork, type CreateNetwork, type Roles, type Rules } from './network.ts';

/** What a test of a group has to do with. */
export type Group = { readonly network: ConformanceNetwork; readonly chain: Chain; readonly netuid: number; readonly roles: Roles; readonly act: Actor };

/** Tests that share one subnet, which starts before the first of them and stops after the last. */
export function group(name: string, { create, rules = {} }: { create: CreateNetwork; rules?: Partial<Rules> }, tests: (here: () => Group) => void): void {
  describe(name, () => {
    let here: Group | undefined;
    beforeAll(async () => {
      const network = await create({ ...RULES, ...rules });
      here = { network, chain: network.chain, netuid: network.netuid, roles: network.roles, act: new Actor(network) };
    });
    afterAll(() => here?.network.stop());
    tests(() => here!);
  });
}
