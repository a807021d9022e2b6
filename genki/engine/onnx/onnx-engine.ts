import { cpus } from 'node:os';
import { arch, platform } from 'node:process';
import * as ort from 'onnxruntime-node';
import { EngineError } from '../../errors.ts';
import { buildProgram } from '../build-program.ts';
import { checkFeeds, checkValues, withoutFixed } from '../check-feeds.ts';
import type { Engine, Executable, Fixed, Program, Tensor } from '../engine.ts';
import { Graph, inputName, type Value } from './graph.ts';
import { GraphPrimitives } from './graph-primitives.ts';
import { onnxModel, outputName } from './onnx-model.ts';
import { OnnxTensor } from './onnx-tensor.ts';

/**
 * An engine that traces a program once into an ONNX graph and lets onnxruntime run it on the CPU; one session
 * serves every size. Its results are bitwise the same for any number of threads and any order of sizes.
 * A run blocks the event loop of its thread. A size of 0 is refused where a product of transposed matrices, as gradients
 * are, would have nothing to add up.
 *
 * @param threads threads of one run, 1 or more
 */
export async function createOnnxEngine({ threads }: { threads: number }): Promise<Engine> {
  if (!Number.isInteger(threads) || threads < 1) throw new EngineError(`Expected 1 thread or more, got ${threads}`);
  const open = new Set<OnnxExecutable>();
  return {
    name: 'onnx',
    build: `onnxruntime-node ${ort.env.versions.node ?? ''}, cpu, ${platform} ${arch}, ${cpus()[0]?.model.trim() ?? 'unknown processor'}`,
    tensor(values, shape) {
      checkValues(values.length, shape);
      return new OnnxTensor(values instanceof Float32Array ? new ort.Tensor('float32', values, shape) : new ort.Tensor('int32', values, shape));
    },
    async compile(program, fixed = {}) {
      const executable = await OnnxExecutable.open(program, fixed, { threads, onClose: (closed) => open.delete(closed) });
      open.add(executable);
      return executable;
    },
    async dispose() {
      await Promise.all([...open].map((executable) => executable.dispose()));
    },
  };
}

type OnClose = (executable: OnnxExecutable) => void;
type Traced = { readonly inputs: readonly string[]; readonly outputs: readonly string[]; readonly filled: ReadonlySet<string> };

class OnnxExecutable implements Executable {
  readonly #program: Program;
  readonly #inputs: readonly string[];
  readonly #outputs: readonly string[];
  readonly #filled: ReadonlySet<string>;
  readonly #onClose: OnClose;
  #session: ort.InferenceSession | undefined;

  private constructor(program: Program, session: ort.InferenceSession, traced: Traced, onClose: OnClose) {
    this.#program = program;
    this.#session = session;
    this.#inputs = traced.inputs;
    this.#outputs = traced.outputs;
    this.#filled = traced.filled;
    this.#onClose = onClose;
  }

  static async open(whole: Program, fixed: Fixed, { threads, onClose }: { threads: number; onClose: OnClose }): Promise<OnnxExecutable> {
    const graph = new Graph();
    const program = withoutFixed(whole, fixed);
    const values: Record<string, Value> = {};
    for (const [name, { shape, dtype }] of Object.entries(program.inputs)) values[name] = graph.input(name, shape, dtype);
    for (const [name, { shape, values: constant }] of Object.entries(fixed)) values[name] = graph.fixed(name, shape, constant);
    const outputs = buildProgram(program, new GraphPrimitives(graph), { inputs: values, size: (dim) => dim });
    const { bytes, inputs, externalData } = onnxModel(graph, outputs, { folds: program.gradients !== undefined }); // what learns has many rows
    const session = await guarded(program, () => ort.InferenceSession.create(bytes, { ...sessionOptions(program.threads ?? threads), enableCpuMemArena: program.grows !== true, externalData }));
    return new OnnxExecutable(program, session, { inputs, outputs: [...outputs.keys()], filled: graph.filled }, onClose);
  }

  async run(feeds: Readonly<Record<string, Tensor>>): Promise<Record<string, Tensor>> {
    const session = this.#session;
    if (session === undefined) throw new EngineError(`${this.#program.name}: expected a program, got one that was disposed of`);
    const sizes = checkFeeds(this.#program, feeds);
    for (const dim of this.#filled) if (sizes.get(dim) === 0) throw new EngineError(`${this.#program.name}: expected a size ${dim} of 1 or more, got 0`);
    const natives = Object.fromEntries(this.#inputs.map((name) => [inputName(name), nativeOf(name, feeds[name]!)]));
    const results = await guarded(this.#program, () => session.run(natives));
    return Object.fromEntries(this.#outputs.map((name) => [name, new OnnxTensor(results[outputName(name)]!)]));
  }

  async dispose(): Promise<void> {
    const session = this.#session;
    this.#session = undefined;
    this.#onClose(this);
    await session?.release();
  }
}

const sessionOptions = (threads: number): ort.InferenceSession.SessionOptions => ({
  executionProviders: ['cpu'],
  intraOpNumThreads: threads,
  interOpNumThreads: 1,
  executionMode: 'sequential',
  // the graph is emitted as it shall run; looking for more only makes sessions slow to open
  graphOptimizationLevel: 'disabled',
  enableMemPattern: false,
  logSeverityLevel: 3,
  // the idle threads of one session would take time from another's
  extra: { session: { intra_op: { allow_spinning: '0' } } },
});

function nativeOf(name: string, tensor: Tensor): ort.Tensor {
  if (!(tensor instanceof OnnxTensor)) throw new EngineError(`Expected feed ${name} of the onnx engine, got another engine's tensor`);
  return tensor.native;
}

async function guarded<T>({ name }: Program, call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    throw new EngineError(`${name}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
}
