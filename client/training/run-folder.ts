import { existsSync } from 'node:fs';
import { mkdir, readFile, rename, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { InvalidInput } from '../../genki/errors.ts';
import { canonicalJson } from '../../genki/protocol/canonical-json.ts';
import { writeWhole } from '../base-training/work-folder.ts';

const RUN = 'run.json';
const CHECKPOINT = 'checkpoint.safetensors';

/**
 * Where a training on this machine is while it goes on, `<output>.training`, and what becomes of it: the output folder
 * appears when all is done. A run that was stopped is taken up again by one with the same arguments.
 */
export class RunFolder {
  readonly #output: string;
  readonly #work: string;

  private constructor(output: string) {
    this.#output = output;
    this.#work = `${output}.training`;
  }

  /**
   * @param run all that the result depends on
   * @throws {InvalidInput} when the output is there already, or a run with other arguments has left a checkpoint
   */
  static async open(output: string, run: object): Promise<RunFolder> {
    const folder = new RunFolder(resolve(output));
    if (existsSync(folder.#output)) throw new InvalidInput(`Expected a folder that is not there yet, got ${output}`);
    await mkdir(folder.#work, { recursive: true });
    const file = join(folder.#work, RUN);
    const text = canonicalJson(run);
    const earlier = await readFile(file, 'utf8').catch(() => undefined);
    if (earlier !== undefined && earlier !== text && existsSync(join(folder.#work, CHECKPOINT))) throw new InvalidInput(`Expected ${folder.#work} to hold a run with the same arguments, got another one: name another output, or remove it`);
    await writeWhole(file, text);
    return folder;
  }

  /** What an earlier run has left; undefined where there was none. */
  checkpoint(): Promise<Uint8Array | undefined> {
    return readFile(join(this.#work, CHECKPOINT)).catch(() => undefined);
  }

  async save(checkpoint: Uint8Array): Promise<void> {
    await writeWhole(join(this.#work, CHECKPOINT), checkpoint);
  }

  /** The output, with these files in it. */
  async finish(files: Readonly<Record<string, Uint8Array | string>>): Promise<void> {
    for (const [name, content] of Object.entries(files)) await writeWhole(join(this.#work, name), content);
    for (const name of [RUN, CHECKPOINT]) await rm(join(this.#work, name), { force: true });
    await rename(this.#work, this.#output);
  }
}
