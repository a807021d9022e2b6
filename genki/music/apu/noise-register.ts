/** The console's processor clock (NTSC), in Hz, that the noise periods divide. */
const CLOCK_HZ = 1_789_773;
const BITS = 15;

/**
 * The chip's noise: a shift register of 15 bits whose new bit is bit 0 xor bit 1, or bit 0 xor bit 6 in the short loop,
 * and whose lowest bit is heard. A sample is the mean over its own time, which keeps fast periods from aliasing hard.
 */
export class NoiseRegister {
  readonly #sampleRate: number;
  #bits = 1;
  #tap = 1;
  #samplesPerStep = 1;
  #left = Infinity;

  constructor(sampleRate: number) {
    this.#sampleRate = sampleRate;
  }

  /** Sets how fast the register steps, in cycles of the console's clock, and which loop it takes. */
  tune(period: number, short: boolean): void {
    this.#tap = short ? 6 : 1;
    this.#samplesPerStep = (period * this.#sampleRate) / CLOCK_HZ;
    this.#left = Math.min(this.#left, this.#samplesPerStep);
  }

  /** The next sample, −1 … 1. */
  sample(): number {
    let sum = 0;
    let room = 1;
    while (this.#left < room) {
      sum += this.#left * this.#level();
      room -= this.#left;
      this.#step();
      this.#left = this.#samplesPerStep;
    }
    this.#left -= room;
    return sum + room * this.#level();
  }

  #level(): number {
    return (this.#bits & 1) === 0 ? 1 : -1;
  }

  #step(): void {
    const bit = (this.#bits ^ (this.#bits >> this.#tap)) & 1;
    this.#bits = (this.#bits >> 1) | (bit << (BITS - 1));
  }
}
