import { describe, expect, it } from 'vitest';
import { BadSubmission } from '../../../genki/errors.ts';
import { encodeUpdate } from '../../../genki/federation/compression/update-codec.ts';
import { layoutOf } from '../../../genki/federation/layout.ts';
import { applyWindow, checkCounted, checkDigest, countedOf, openUpdate, type WindowTerms } from '../../../genki/federation/window-model.ts';
import { stateDigest } from '../../../genki/federation/window-state.ts';
import { Random } from '../../../genki/protocol/random.ts';
import { TOY } from '../music/support/toys.ts';

const layout = layoutOf(TOY);
const terms: WindowTerms = { codec: { kind: 'dense' }, aggregation: { rule: { kind: 'mean' } }, outer: { learningRate: 2, momentum: 0, nesterov: false }, norm: { floor: 1, cap: 10 } };
const f32 = (...values: number[]): Float32Array => Float32Array.from(values);
const random = (seed: string, size = layout.size): Float32Array => {
  const draw = new Random(seed);
  return Float32Array.from({ length: size }, () => draw.normal());
};

describe('a window', () => {
  it('adds twice the mean of the clipped updates', () => {
    // norms 5, 4 and 20: the median is 5, so the last one counts a quarter
    const updates = [f32(3, 4), f32(0, 4), f32(16, 12)];
    expect(countedOf(updates, terms.norm)).toEqual([{ norm: 5, factor: 1 }, { norm: 4, factor: 1 }, { norm: 20, factor: 0.25 }]);
    const after = applyWindow({ weights: f32(1, 1), momentum: null }, updates.map((update, i) => ({ update, factor: [1, 1, 0.25][i]! })), terms);
    // (3 + 0 + 4) / 3 and (4 + 4 + 3) / 3
    expect([...after.weights]).toEqual([Math.fround(1 + 2 * Math.fround(7 / 3)), Math.fround(1 + 2 * Math.fround(11 / 3))]);
  });

  it('without updates is the same model', () => {
    const model = { weights: f32(1, 2), momentum: null };
    expect(applyWindow(model, [], terms)).toBe(model);
  });

  it('gives the same bytes whoever does it, and others in another window', () => {
    const momentum = { ...terms, outer: { learningRate: 0.7, momentum: 0.9, nesterov: true } };
    const run = (): string => {
      let model = { weights: random('weights'), momentum: null as Float32Array | null };
      for (let window = 0; window < 3; window++) model = applyWindow(model, ['a', 'b', 'c'].map((who) => ({ update: random(`${who}/${window}`), factor: 0.5 })), momentum);
      return stateDigest(model.weights, model.momentum);
    };
    expect(run()).toBe(run());
  });

  it('says where a model and the log part', () => {
    expect(() => checkDigest('one', 'one', 'after window 7')).not.toThrow();
    expect(() => checkDigest('one', 'another', 'after window 7')).toThrow(new BadSubmission('Expected the model another after window 7, got one: a fork'));
  });

  it('takes no norm or factor on trust', () => {
    const updates = [f32(3, 4), f32(0, 4)];
    const said = countedOf(updates, terms.norm);
    expect(() => checkCounted(said, updates, { norm: terms.norm, window: 7 })).not.toThrow();
    expect(() => checkCounted([said[0]!, { ...said[1]!, factor: 0.5 }], updates, { norm: terms.norm, window: 7 })).toThrow('Expected an update of norm 4 times 1 in window 7, the entry says 4 times 0.5');
  });

  it('opens a file as a whole or not at all', () => {
    const { file, sent } = encodeUpdate(terms.codec, random('update'));
    expect(openUpdate({ file }, { codec: terms.codec, layout })).toEqual(sent);
    expect(() => openUpdate({ file: file.slice(0, -1) }, { codec: terms.codec, layout })).toThrow(BadSubmission);
    expect(() => openUpdate({ file }, { codec: { kind: 'slice', compression: 10, feedback: 1 }, layout })).toThrow('Expected the root');
  });
});

describe('stateDigest', () => {
  it('is the published vector', () => {
    // Python: base64(sha256(struct.pack('<3f', 1, -2, 0.5))), and with struct.pack('<3f', 0, 0, 3) after it
    expect(stateDigest(f32(1, -2, 0.5), null)).toBe('LOS9trNKUKxwkuuf7pQzeidJjp65uuRBkvFbiIMbJCI=');
    expect(stateDigest(f32(1, -2, 0.5), f32(0, 0, 3))).toBe('GLfsy6AiD3RI4rf0nPe3j7pyEOKnnWYgC6n6Jv/ygwM=');
  });

  it('is of the values alone, wherever they lie in memory', () => {
    expect(stateDigest(f32(9, 1, -2, 0.5, 9).subarray(1, 4), null)).toBe(stateDigest(f32(1, -2, 0.5), null));
  });
});
