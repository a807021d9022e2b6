import type { Adapter } from '../music/lora.ts';
import { changed } from './matrices.ts';

// One submission as several under as many hotkeys: together they are what it was, each is unlike the others, and each
// asks to be paid. The contributions of parts that make up one whole sum to that of the whole only where they do not
// need each other; what each adds to the others decides whether it is accepted.

/** Every n-th layer to each: part p has the layers p, p + n, p + 2n, …; the others are 0. */
export const splitByModules = (adapter: Adapter, parts: number): Adapter[] => {
  const order = new Map([...adapter.layers.keys()].map((module, i) => [module, i % parts]));
  return each(parts, (part) => changed(adapter, ({ a, b }, module) => ({ a, b: order.get(module) === part ? b : new Float32Array(b.length) })));
};

/** Every n-th rank to each: part p has the columns p, p + n, … of B and the rows of A that go with them; the others are 0. */
export const splitByRank = (adapter: Adapter, parts: number): Adapter[] =>
  each(parts, (part) =>
    changed(adapter, ({ a, b, in: columns, rank }) => ({
      a: a.map((value, i) => (Math.floor(i / columns) % parts === part ? value : 0)),
      b: b.map((value, i) => ((i % rank) % parts === part ? value : 0)),
    })),
  );

const each = <T>(count: number, make: (index: number) => T): T[] => Array.from({ length: count }, (_, index) => make(index));
