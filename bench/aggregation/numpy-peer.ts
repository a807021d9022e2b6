import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import * as z from 'zod';
import type { Aggregation } from '../../genki/protocol/exchange.ts';

const SCRIPT = fileURLToPath(new URL('../scipy/aggregation-peer.py', import.meta.url));
/** As many as ours. */
const ONE_THREAD = { OPENBLAS_NUM_THREADS: '1', MKL_NUM_THREADS: '1', OMP_NUM_THREADS: '1' };
const Greeting = z.union([z.strictObject({ scipy: z.string() }), z.strictObject({ missing: z.string() })]);
const Took = z.strictObject({ cpuSeconds: z.number(), bytes: z.number() });

export type Material = { readonly peers: number; readonly values: number; readonly seed: number };
export type Aggregated = z.infer<typeof Took> & { readonly result: Float32Array };

/** NumPy in a process of its own, with the same updates. */
export class NumPyPeer {
  readonly name: string;
  readonly #child: ChildProcess;
  readonly #lines: AsyncIterator<string>;
  readonly #file: string;

  private constructor(name: string, { child, lines, file }: { child: ChildProcess; lines: AsyncIterator<string>; file: string }) {
    this.name = name;
    this.#child = child;
    this.#lines = lines;
    this.#file = file;
  }

  /** Undefined, with a note, where there is no Python with SciPy. @param file that results are exchanged through */
  static async start({ python, file, note }: { readonly python: string; readonly file: string; readonly note: (line: string) => void }, material: Material): Promise<NumPyPeer | undefined> {
    const child = spawn(python, [SCRIPT], { stdio: ['pipe', 'pipe', 'inherit'], env: { ...process.env, ...ONE_THREAD } });
    const failed = new Promise<{ missing: string }>((resolve) => child.once('error', ({ message }) => resolve({ missing: message })));
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    const greeting = await Promise.race([failed, nextLine(lines).then((line) => Greeting.parse(JSON.parse(line)))]);
    if ('missing' in greeting) {
      note(`No SciPy to compare with (${greeting.missing}). Install it with "pip install scipy"; GENKI_PYTHON names another Python than ${python}.`);
      return undefined;
    }
    const peer = new NumPyPeer(`NumPy/SciPy ${greeting.scipy}, 1 thread`, { child, lines, file });
    await peer.#ask(material, z.strictObject({}));
    return peer;
  }

  async aggregate({ rule, mixing }: Aggregation, share: number): Promise<Aggregated> {
    const clipping = rule.kind === 'centred-clipping' ? rule : { radius: 1, iterations: 1 };
    const took = await this.#ask({ rule: rule.kind, mixing: mixing !== undefined, share, radius: clipping.radius, iterations: clipping.iterations, out: this.#file }, Took);
    const bytes = await readFile(this.#file);
    return { ...took, result: new Float32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4) };
  }

  async stop(): Promise<void> {
    const gone = once(this.#child, 'exit');
    this.#child.stdin!.end();
    await gone;
  }

  async #ask<T>(request: object, answer: z.ZodType<T>): Promise<T> {
    this.#child.stdin!.write(`${JSON.stringify(request)}\n`);
    return answer.parse(JSON.parse(await nextLine(this.#lines)));
  }
}

async function nextLine(lines: AsyncIterator<string>): Promise<string> {
  const { value, done } = await lines.next();
  if (done === true) throw new Error('Expected an answer of NumPy, it ended');
  return value;
}
