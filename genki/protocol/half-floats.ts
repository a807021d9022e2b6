/**
 * The float32 with each half's value: IEEE 754 binary16, exact, NaN payloads kept.
 * @param halves bit patterns, 16 bits each
 */
export function widenF16(halves: Uint16Array): Float32Array {
  const table = (widened ??= Uint32Array.from({ length: 2 ** 16 }, (_, half) => widenedBits(half)));
  const bits = new Uint32Array(halves.length);
  for (let i = 0; i < bits.length; i++) bits[i] = table[halves[i]!]!;
  return new Float32Array(bits.buffer);
}

/** The nearest halves, ties to even; from 65,520 on infinity. */
export function narrowF16(values: Float32Array): Uint16Array {
  const patterns = bitsOfAll(values);
  const halves = new Uint16Array(values.length);
  for (let i = 0; i < halves.length; i++) halves[i] = narrowedBits(patterns[i]!, values[i]!);
  return halves;
}

/** The float32 with each bfloat16's value; exact. */
export function widenBF16(halves: Uint16Array): Float32Array {
  const bits = new Uint32Array(halves.length);
  for (let i = 0; i < bits.length; i++) bits[i] = halves[i]! << 16;
  return new Float32Array(bits.buffer);
}

/** The nearest bfloat16, ties to even. */
export function narrowBF16(values: Float32Array): Uint16Array {
  const patterns = bitsOfAll(values);
  const halves = new Uint16Array(values.length);
  for (let i = 0; i < halves.length; i++) {
    const bits = patterns[i]!;
    const isNaN = (bits & 0x7fffffff) > 0x7f800000;
    halves[i] = isNaN ? (bits >>> 16) | (bits & 0x7f0000 ? 0 : 0x40) : (bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16;
  }
  return halves;
}

/** The float32's bits of every half: a model has a thousand million of them. */
let widened: Uint32Array | undefined;

function widenedBits(half: number): number {
  const sign = (half & 0x8000) << 16;
  const magnitude = half & 0x7fff;
  if (magnitude >= 0x7c00) return sign | 0x7f800000 | ((magnitude & 0x3ff) << 13);
  if (magnitude >= 0x400) return sign | ((magnitude << 13) + (112 << 23));
  return sign | bitsOf(magnitude * 2 ** -24);
}

function narrowedBits(bits: number, value: number): number {
  const sign = (bits >>> 16) & 0x8000;
  const magnitude = bits & 0x7fffffff;
  if (magnitude > 0x7f800000) return sign | 0x7c00 | ((magnitude >>> 13) & 0x3ff || 0x200);
  if (magnitude >= 0x477ff000) return sign | 0x7c00;
  // a subnormal half counts units of 2^-24, the spacing of float32 just above ½: the addition rounds for us
  if (magnitude < 113 << 23) return sign | (bitsOf(Math.abs(value) + 0.5) - bitsOf(0.5));
  return sign | ((magnitude - (112 << 23) + 0xfff + ((magnitude >>> 13) & 1)) >>> 13);
}

const scratch = new Float32Array(1);
const scratchBits = new Uint32Array(scratch.buffer);

function bitsOf(value: number): number {
  scratch[0] = value;
  return scratchBits[0]!;
}

const bitsOfAll = (values: Float32Array): Uint32Array => new Uint32Array(values.buffer, values.byteOffset, values.length);
