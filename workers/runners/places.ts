import { CancelledFailure } from '@temporalio/activity';

/** So many may work side by side; all others wait, first come first served. */
export class Places {
  readonly #waiting: (() => void)[] = [];
  #free: number;

  constructor(count: number) {
    this.#free = count;
  }

  /**
   * What `work` gives, once there is a place for it.
   * @throws {CancelledFailure} when the signal aborts before
   */
  async take<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    await this.#place(signal);
    try {
      return await work();
    } finally {
      const next = this.#waiting.shift();
      if (next) next();
      else this.#free++;
    }
  }

  async #place(signal: AbortSignal): Promise<void> {
    if (signal.aborted) throw new CancelledFailure('CANCELLED');
    if (this.#free > 0) return void this.#free--;
    await new Promise<void>((resolve, reject) => {
      const mine = (): void => {
        signal.removeEventListener('abort', leave);
        resolve();
      };
      const leave = (): void => {
        this.#waiting.splice(this.#waiting.indexOf(mine), 1);
        reject(new CancelledFailure('CANCELLED'));
      };
      this.#waiting.push(mine);
      signal.addEventListener('abort', leave, { once: true });
    });
  }
}
