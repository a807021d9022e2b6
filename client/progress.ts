/** One line on a terminal that shows how far something has come; nothing where nobody looks. */
export class Progress {
  readonly #isSeen: boolean;
  #shownAt = 0;

  /** @param isQuiet whether output is for programs alone */
  constructor(isQuiet: boolean) {
    this.#isSeen = !isQuiet && process.stderr.isTTY;
  }

  /** Ten times a second at most. */
  show(line: string): void {
    if (!this.#isSeen || Date.now() - this.#shownAt < 100) return;
    this.#shownAt = Date.now();
    process.stderr.write(`\r\u001B[K${line.slice(0, (process.stderr.columns ?? 80) - 1)}`);
  }

  done(): void {
    if (this.#isSeen && this.#shownAt > 0) process.stderr.write('\r\u001B[K');
  }
}
