/** The part of the WebAssembly interface that is used here; Node's types name it, without its values. */
declare const WebAssembly: {
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (module: object) => { readonly exports: Record<string, unknown> };
};

/** Instructions and their operands. */
export type Code = readonly number[];

/** LEB128, as WebAssembly writes every number. */
export function unsigned(value: number): number[] {
  const bytes: number[] = [];
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) return [...bytes, rest];
    bytes.push((rest % 128) | 0x80);
  }
}

const simd = (opcode: number, ...operands: number[]): Code => [0xfd, ...unsigned(opcode), ...operands];
/** Alignment of 4 bytes, and an offset. */
const at = (offset: number): number[] => [2, ...unsigned(offset)];

export const get = (local: number): Code => [0x20, ...unsigned(local)];
export const set = (local: number): Code => [0x21, ...unsigned(local)];
export const tee = (local: number): Code => [0x22, ...unsigned(local)];
export const f32x4 = {
  load: (offset: number): Code => simd(0x00, ...at(offset)),
  store: (offset: number): Code => simd(0x0b, ...at(offset)),
  /** a, b -> b < a ? b : a */
  lower: simd(0xea),
  /** a, b -> a < b ? b : a */
  upper: simd(0xeb),
  /** The first two lanes of each of two, as of two `demoted`. */
  halves: simd(0x0d, 0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23),
  /** The last two lanes of each of two. */
  lastHalves: simd(0x0d, 8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 26, 27, 28, 29, 30, 31),
} as const;
export const f64x2 = {
  load: f32x4.load,
  store: f32x4.store,
  loadSplat: (offset: number): Code => simd(0x0a, ...at(offset)),
  zero: simd(0x0c, ...Array.from({ length: 16 }, () => 0)),
  both: (value: number): Code => simd(0x0c, ...new Uint8Array(Float64Array.of(value, value).buffer)),
  lane: (lane: 0 | 1): Code => simd(0x21, lane),
  add: simd(0xf0),
  mul: simd(0xf2),
  div: simd(0xf3),
  /** The first two float32 lanes, widened. */
  promoted: simd(0x5f),
  /** Both lanes as float32, rounded, in the first two. */
  demoted: simd(0x5e),
} as const;
export const f64 = { store: (offset: number): Code => [0x39, ...at(offset)], add: [0xa0] } as const;
/** The first address of memory, as operand of a store whose offset says where. */
export const origin: Code = [0x41, 0];

/** The code of each of the first `count` numbers, in order. */
export const each = (count: number, code: (index: number) => Code): Code => Array.from({ length: count }, (_, i) => code(i)).flat();

/** Adds a constant to a local. */
export const grow = (local: number, by: number): Code => [...plus(local, by), ...set(local)];
/** A local and a constant. */
export const plus = (local: number, constant: number): Code => [...get(local), 0x41, ...signed(constant), 0x6a];

/** Does the body at least once, and again until the local, which grows by `step`, has reached the other one. */
export const repeat = ({ local, step, until }: { readonly local: number; readonly step: number; readonly until: number }, body: Code): Code => [
  0x03, 0x40, ...body, ...plus(local, step), ...tee(local), ...get(until), 0x49, 0x0d, 0x00, 0x0b,
];

function signed(value: number): number[] {
  const bytes = unsigned(value);
  return bytes.at(-1)! & 0x40 ? [...bytes.slice(0, -1), bytes.at(-1)! | 0x80, 0] : bytes;
}

const I32 = 0x7f;
const V128 = 0x7b;
const PAGE = 65_536;

/** A function over memory of its own. */
export type Kernel = { readonly memory: ArrayBuffer; readonly run: (...offsets: number[]) => void };

/**
 * A kernel of four lanes at once, which JavaScript alone has not; it does IEEE arithmetic only, so every machine comes to the
 * same bits.
 *
 * @param params numbers that it is called with: its first locals
 * @param locals vectors: the locals after those
 */
export function kernel({ params, locals, bytes, body }: { readonly params: number; readonly locals: number; readonly bytes: number; readonly body: Code }): Kernel {
  const name = (text: string): number[] => vector([...new TextEncoder().encode(text)]);
  const code = [...vector([[...unsigned(locals), V128]]), ...body, 0x0b];
  const module = new WebAssembly.Module(Uint8Array.from([
    0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0,
    ...section(1, [[0x60, ...vector(Array.from({ length: params }, () => I32)), 0]]),
    ...section(3, [[0]]),
    ...section(5, [[0, ...unsigned(Math.ceil(bytes / PAGE))]]),
    ...section(7, [[...name('memory'), 2, 0], [...name('run'), 0, 0]]),
    ...section(10, [[...unsigned(code.length), ...code]]),
  ]));
  const { memory, run } = new WebAssembly.Instance(module).exports as { memory: { buffer: ArrayBuffer }; run: Kernel['run'] };
  return { memory: memory.buffer, run };
}

const vector = (items: readonly (number | Code)[]): number[] => [...unsigned(items.length), ...items.flat()];

function section(id: number, items: readonly Code[]): number[] {
  const content = vector(items);
  return [id, ...unsigned(content.length), ...content];
}
