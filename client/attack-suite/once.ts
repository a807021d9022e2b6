import { sha256Hex } from '../../genki/protocol/digests.ts';

/** Each task once for each input, by the input's digest: scenarios differ by one miner, and all others are measured already. */
export class Once {
  readonly #done = new Map<string, Promise<unknown>>();

  do<Out>(name: string, input: unknown, task: () => Promise<Out>): Promise<Out> {
    const key = `${name}/${sha256Hex(new TextEncoder().encode(JSON.stringify(input)))}`;
    const done = this.#done.get(key) ?? task();
    this.#done.set(key, done);
    return done as Promise<Out>;
  }
}
