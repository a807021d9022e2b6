import type { Audio } from '../../genki/music/codec.ts';

const FLOAT_BYTES = 4;
const FIRST_SAMPLES = 2 ** 20;

/** Where one song after another is decoded to: as large as the longest of them, whatever there are. */
export class SampleBuffer {
  #channels: Float32Array[] = [];
  #length = 0;
  #rest = Buffer.alloc(0);

  /** Samples of one channel. */
  get length(): number {
    return this.#length;
  }

  clear(channels: number): void {
    if (this.#channels.length !== channels) this.#channels = Array.from({ length: channels }, () => new Float32Array(FIRST_SAMPLES));
    this.#length = 0;
    this.#rest = Buffer.alloc(0);
  }

  /**
   * Adds what fits of bytes of little-endian floats, channel by channel in turn; a sample may begin in one chunk and end in the next.
   * @returns whether all did
   */
  push(chunk: Buffer, most: number): boolean {
    const bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    const frameBytes = FLOAT_BYTES * this.#channels.length;
    const whole = Math.floor(bytes.length / frameBytes);
    const taken = Math.min(whole, most - this.#length);
    this.#reserve(this.#length + taken, most);
    this.#channels.forEach((samples, c) => {
      for (let i = 0; i < taken; i++) samples[this.#length + i] = bytes.readFloatLE(i * frameBytes + c * FLOAT_BYTES);
    });
    this.#length += taken;
    this.#rest = Buffer.from(bytes.subarray(whole * frameBytes));
    return taken === whole;
  }

  /** What it holds, until it is cleared. */
  audio(sampleRate: number): Audio {
    return { channels: this.#channels.map((samples) => samples.subarray(0, this.#length)), sampleRate };
  }

  #reserve(length: number, most: number): void {
    const room = this.#channels[0]!.length;
    if (length <= room) return;
    const larger = Math.min(Math.max(2 * room, length), Math.max(most, length));
    this.#channels = this.#channels.map((samples) => {
      const copy = new Float32Array(larger);
      copy.set(samples.subarray(0, this.#length));
      return copy;
    });
  }
}
