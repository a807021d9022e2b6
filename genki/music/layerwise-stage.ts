import type { Executable, Program, Tensor } from '../engine/engine.ts';
import type { Feeds } from './feeds.ts';

/**
 * A program in one of its uses: what every run of it is fed, and how its inputs are called there. So layers of equal
 * shape share one program, whose inputs have the names of the first of them.
 */
export class Stage {
  readonly #program: Executable;
  readonly #wanted: readonly (readonly [input: string, name: string])[];
  readonly #nameOf: (input: string) => string;

  constructor(program: Executable, of: { inputs: Program['inputs']; nameOf?: (input: string) => string }) {
    const { inputs, nameOf = (input) => input } = of;
    this.#program = program;
    this.#nameOf = nameOf;
    this.#wanted = Object.keys(inputs).map((input) => [input, nameOf(input)]);
  }

  /** @param feeds by the names of this use; those that the program does not take are left alone */
  async run(feeds: Readonly<Record<string, Tensor>>): Promise<Feeds> {
    const outputs = await this.#program.run(Object.fromEntries(this.#wanted.flatMap(([input, name]) => (feeds[name] ? [[input, feeds[name]]] : []))));
    return Object.fromEntries(Object.entries(outputs).map(([output, tensor]) => [this.#nameOf(output), tensor]));
  }
}
