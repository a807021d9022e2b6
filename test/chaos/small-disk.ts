import { execFileSync } from 'node:child_process';
import { statfsSync } from 'node:fs';

const MIB = 2 ** 20;
const TRIES = 50;

/** A disk of its own, in memory, that can be made full and read-only while programs write to it. Linux, with the right to mount. */
export class SmallDisk {
  readonly #path: string;
  readonly #mib: number;

  private constructor(path: string, mib: number) {
    this.#path = path;
    this.#mib = mib;
  }

  /** Mounted over a folder; undefined, with why, where this cannot be done. */
  static mount(path: string, mib: number): SmallDisk | string {
    try {
      run('mount', '-t', 'tmpfs', '-o', `size=${mib}m,mode=700`, 'genki-chaos', path);
      return new SmallDisk(path, mib);
    } catch (error) {
      return error instanceof Error ? error.message.split('\n').slice(0, 2).join(': ') : String(error);
    }
  }

  /** From now on there is no room left, but for a few pages. */
  fill(): void {
    for (let tries = 1; ; tries++) {
      try {
        return this.#remount(`size=${Math.ceil(this.usedMib() * 1024) + 64}k`);
      } catch (error) {
        // a disk cannot be smaller than what somebody has written meanwhile
        if (tries === TRIES) throw error;
      }
    }
  }

  /** There is room again. */
  empty(): void {
    this.#remount(`size=${this.#mib}m`);
  }

  /** @throws while somebody has a file open for writing */
  readOnly(on: boolean): void {
    this.#remount(on ? 'ro' : 'rw');
  }

  usedMib(): number {
    const { blocks, bfree, bsize } = statfsSync(this.#path);
    return ((blocks - bfree) * bsize) / MIB;
  }

  unmount(): void {
    run('umount', this.#path);
  }

  #remount(options: string): void {
    run('mount', '-o', `remount,${options}`, this.#path);
  }
}

const run = (command: string, ...args: string[]): string => execFileSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
