import { EngineError } from '../errors.ts';
import type { Dim, Program } from './engine.ts';
import { Tape } from './gradients.ts';
import type { Primitives, Shaped } from './primitives.ts';

/**
 * The program's outputs by name, and after them its gradients as `grad/<input>`.
 *
 * @param inputs the engine's values for the program's inputs
 * @param size what the engine takes for a size of this name
 * @throws {EngineError} when `gradients` names no scalar output or no float32 input
 */
export function buildProgram<T extends Shaped>(program: Program, primitives: Primitives<T>, { inputs, size }: { inputs: Readonly<Record<string, T>>; size: (dim: Dim) => Dim }): Map<string, T> {
  const { name, gradients } = program;
  if (gradients === undefined) return new Map(Object.entries(program.build(primitives, inputs, size)));
  const wrt = gradients.wrt.map((input) => {
    const value = Object.hasOwn(inputs, input) ? inputs[input] : undefined;
    if (value?.dtype !== 'float32') throw new EngineError(`${name}: expected a float32 input to differentiate by, got ${input}`);
    return value;
  });
  const tape = new Tape(primitives, wrt);
  const outputs = new Map(Object.entries(program.build(tape, inputs, size)));
  const of = outputs.get(gradients.of);
  if (of === undefined) throw new EngineError(`${name}: expected an output ${gradients.of} to differentiate, got none`);
  if (gradients.alone) outputs.clear();
  tape.gradients(of, wrt).forEach((gradient, i) => outputs.set(`grad/${gradients.wrt[i]!}`, gradient));
  return outputs;
}
