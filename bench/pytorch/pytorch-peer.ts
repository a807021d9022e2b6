import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import * as z from 'zod';

const SCRIPT = fileURLToPath(new URL('peer.py', import.meta.url));
const Greeting = z.union([z.strictObject({ torch: z.string() }), z.strictObject({ missing: z.string() })]);

/** `peer.py`, running: a PyTorch that waits for its turn. */
export class PyTorchPeer {
  /** As the figures call it. */
  readonly name: string;
  readonly #child: ChildProcess;
  readonly #lines: AsyncIterator<string>;

  private constructor(name: string, child: ChildProcess, lines: AsyncIterator<string>) {
    this.name = name;
    this.#child = child;
    this.#lines = lines;
  }

  /**
   * The peer on as many threads as we take; undefined, with a note, where there is no Python with torch.
   * @param python the interpreter
   */
  static async start({ python, threads, note }: { python: string; threads: number; note: (line: string) => void }): Promise<PyTorchPeer | undefined> {
    const child = spawn(python, [SCRIPT], { stdio: ['pipe', 'pipe', 'inherit'] });
    const failed = new Promise<{ missing: string }>((resolve) => child.once('error', ({ message }) => resolve({ missing: message })));
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    const greeting = await Promise.race([failed, nextLine(lines).then((line) => Greeting.parse(JSON.parse(line)))]);
    if ('missing' in greeting) {
      note(`No PyTorch to compare with (${greeting.missing}). Install it with "pip install torch"; GENKI_PYTHON names another Python than ${python}.`);
      return undefined;
    }
    const peer = new PyTorchPeer(`PyTorch ${greeting.torch}, ${threads} threads`, child, lines);
    await peer.ask({ kind: 'threads', threads }, z.strictObject({}));
    return peer;
  }

  /** @throws {Error} when the peer has died, or answers something else; it has then said why on stderr */
  async ask<T>(request: object, answer: z.ZodType<T>): Promise<T> {
    this.#child.stdin!.write(`${JSON.stringify(request)}\n`);
    return answer.parse(JSON.parse(await nextLine(this.#lines)));
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const gone = once(this.#child, 'exit');
    this.#child.stdin!.end();
    await gone;
  }
}

async function nextLine(lines: AsyncIterator<string>): Promise<string> {
  const { value, done } = await lines.next();
  if (done === true) throw new Error('Expected an answer of peer.py, it ended');
  return value;
}
