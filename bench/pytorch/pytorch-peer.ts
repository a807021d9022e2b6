import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import * as z from 'zod';

/** The scripts there are, and what each needs. */
const SCRIPTS = {
  /** Our model in plain PyTorch. */
  'peer.py': 'torch',
  /** transformers and PEFT. */
  'musicgen-peer.py': "torch 'transformers<5' peft",
} as const;
const Greeting = z.union([z.strictObject({ torch: z.string() }), z.strictObject({ missing: z.string() })]);

export type PeerOptions = {
  /** The interpreter. */
  readonly python: string;
  readonly threads: number;
  /** Default: `peer.py`. */
  readonly script?: keyof typeof SCRIPTS;
  readonly note: (line: string) => void;
};

/** A Python script, running: a PyTorch that waits for its turn. */
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

  /** The peer on as many threads as we take; undefined, with a note, where there is no Python with what it needs. */
  static async start({ python, threads, script = 'peer.py', note }: PeerOptions): Promise<PyTorchPeer | undefined> {
    const child = spawn(python, [fileURLToPath(new URL(script, import.meta.url))], { stdio: ['pipe', 'pipe', 'inherit'] });
    const failed = new Promise<{ missing: string }>((resolve) => child.once('error', ({ message }) => resolve({ missing: message })));
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    const greeting = await Promise.race([failed, nextLine(lines, script).then((line) => Greeting.parse(JSON.parse(line)))]);
    if ('missing' in greeting) {
      note(`No PyTorch to compare with (${greeting.missing}). Install it with "pip install ${SCRIPTS[script]}"; GENKI_PYTHON names another Python than ${python}.`);
      return undefined;
    }
    const peer = new PyTorchPeer(`PyTorch ${greeting.torch}, ${threads} threads`, child, lines);
    await peer.ask({ kind: 'threads', threads }, z.strictObject({}));
    return peer;
  }

  /** @throws {Error} when the peer has died, or answers something else; it has then said why on stderr */
  async ask<T>(request: object, answer: z.ZodType<T>): Promise<T> {
    this.#child.stdin!.write(`${JSON.stringify(request)}\n`);
    return answer.parse(JSON.parse(await nextLine(this.#lines, 'the peer')));
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const gone = once(this.#child, 'exit');
    this.#child.stdin!.end();
    await gone;
  }
}

async function nextLine(lines: AsyncIterator<string>, whose: string): Promise<string> {
  const { value, done } = await lines.next();
  if (done === true) throw new Error(`Expected an answer of ${whose}, it ended`);
  return value;
}
