import { describe, expect, it } from 'vitest';
import { createSigner, verifySignature } from '../../../genki/chain/keys.ts';
import { InvalidInput, NewerSchema } from '../../../genki/errors.ts';
import { competitionDigest, heldOutClips, isSignedBy, readCompetition, signCompetition, type Competition } from '../../../genki/protocol/competition.ts';
import { RUBY } from '../../../genki/protocol/ruby.ts';
import { RUBY_WINDOWS } from '../../../genki/protocol/ruby-windows.ts';

type Json = { [key: string]: Json } & { [Symbol.iterator]?: never };
const copy = (): Json => JSON.parse(JSON.stringify(RUBY)) as Json;

/** The competition with the value at a path replaced; undefined removes it. */
function changed(path: string, value: unknown): unknown {
  const json = copy();
  const keys = path.split('.');
  const last = keys.pop()!;
  const parent = keys.reduce((at, key) => at[key]!, json) as Record<string, unknown>;
  if (value === undefined) delete parent[last];
  else parent[last] = value;
  return json;
}

describe('competition', () => {
  it('is read back from a file with the same digest, whatever the order of its keys', () => {
    const reversed = Object.fromEntries(Object.entries(copy()).reverse());
    expect(readCompetition(reversed)).toEqual(RUBY);
    expect(competitionDigest(readCompetition(reversed))).toBe(competitionDigest(RUBY));
  });

  it('has another digest after any change', () => {
    const others = [changed('training.hyper.steps', 41), changed('thresholds.copyCosine', 0.51), changed('styles.floors.swing', 0.2), changed('id', 'r2')];
    const digests = [RUBY, ...others.map(readCompetition)].map(competitionDigest);
    expect(new Set(digests).size).toBe(digests.length);
  });

  it('is signed by its owner, whatever the order of its keys', () => {
    const [owner, other] = [createSigner('//owner'), createSigner('//other')];
    const signature = signCompetition(RUBY, owner);
    const reversed = readCompetition(Object.fromEntries(Object.entries(copy()).reverse()));
    expect(isSignedBy(reversed, { signature, owner: owner.hotkey }, verifySignature)).toBe(true);
    expect(isSignedBy(RUBY, { signature, owner: other.hotkey }, verifySignature)).toBe(false);
    expect(isSignedBy(readCompetition(changed('id', 'r2')), { signature, owner: owner.hotkey }, verifySignature)).toBe(false);
    for (const broken of ['', 'zz', signature.slice(2)]) expect(isSignedBy(RUBY, { signature: broken, owner: owner.hotkey }, verifySignature)).toBe(false);
  });

  it('cannot be changed in memory', () => {
    expect(Reflect.set(RUBY.training.hyper, 'steps', 1)).toBe(false);
    expect(Reflect.set(RUBY.scales, 0, 9)).toBe(false);
  });

  it('leaves a limit above the adapter it asks for', () => {
    // 4 layers of 2 attentions with 4 projections of 128 x 128, and 128 x 512 twice
    const elements = 4 * (8 * 8 * 256 + 2 * 8 * 640);
    expect(elements).toBe(106_496);
    expect(RUBY.limits.adapterElements).toBeGreaterThan(elements);
    expect(RUBY.limits.adapterTensors).toBeGreaterThanOrEqual(2 * 4 * 10);
    expect(RUBY.limits.adapterBytes).toBeGreaterThan(4 * elements + 2 ** 15);
  });

  it('counts the held-out clips of each part', () => {
    expect(heldOutClips(RUBY, 'A')).toEqual({ dungeon: 8, victory: 8, swing: 8, ambient: 8, march: 8, town: 4, battle: 4, waltz: 4 });
    expect(Object.keys(heldOutClips(RUBY, 'B'))).toEqual([...RUBY.styles.private]);
  });

  it.each<[string, unknown, string]>([
    ['surprise', 1, 'Unrecognized key: "surprise"'],
    ['training.hyper.momentum', 0.9, 'Unrecognized key: "momentum"'],
    ['netuid', undefined, 'netuid'],
    ['version', 0, 'version'],
    ['exchange', 'model', 'exchange'],
    ['exchange', 'relay', 'expected relay with the exchange relay'],
    ['exchange', 'delta', 'expected delta with the exchange delta'],
    ['relay', { tolerance: 0.1 }, 'expected relay with the exchange relay'],
    ['training.hyper.learningRate', '4e-3', 'training.hyper.learningRate'],
    ['training.hyper.learningRate', Infinity, 'training.hyper.learningRate'],
    ['training.replayRows', 8, 'fewer replayed rows'],
    ['timing.seedBlocks', 3, 'timing.seedBlocks'],
    ['timing.keyDeadlineBlocks', 0, 'timing.keyDeadlineBlocks'],
    ['thresholds.styleShare', undefined, 'thresholds.styleShare'],
    ['thresholds.styleShare', 1.5, 'thresholds.styleShare'],
    ['scales', [0.4, 0.2], 'ascending'],
    ['scales', [], 'scales'],
    ['holdOut.A.perPrivateStyle', 1, 'holdOut.A.perPrivateStyle'],
    ['styles.private', ['dungeon', 'town'], 'got one in both'],
    ['styles.private', ['dungeon', 'polka'], 'a floor for every private style'],
    ['styles.private', ['dungeon', 'dungeon'], 'each style once'],
    ['policy.name', 'winner-takes-all', 'expected one of'],
    ['endpoints', { '../evil': { kind: 'folder' } }, 'endpoints'],
    ['endpoints.local.root', '/etc', 'Unrecognized key: "root"'],
    ['limits.adapterBytes', 0, 'limits.adapterBytes'],
    ['limits.updateNorm', 0, 'limits.updateNorm'],
    ['thresholds.normFloor', 0, 'thresholds.normFloor'],
    ['shapley.maxEvaluations', 1, 'shapley.maxEvaluations'],
    ['shapley.maxEvaluations', 1e6, 'shapley.maxEvaluations'],
    ['generation.clips', 1, 'two clips at least'],
    ['styles.private', ['dungeon'], 'two private styles'],
    ['thresholds.normCap', 0.5, 'thresholds.normFloor not above'],
  ])('refuses %s = %j', (path, value, reason) => {
    expect(() => readCompetition(changed(path, value))).toThrow(InvalidInput);
    expect(() => readCompetition(changed(path, value))).toThrow(reason);
  });

  it.each([null, [], 'text', 1, undefined])('refuses %j', (value) => {
    expect(() => readCompetition(value)).toThrow(InvalidInput);
  });

  it('refuses text that has no digest', () => {
    expect(() => readCompetition(changed('music.model', '\ud800'))).toThrow(new InvalidInput('Expected well-formed text in canonical JSON, got a lone surrogate'));
  });

  it('leases an adapter for three hours and looks every five minutes, unless it says otherwise', () => {
    const relay = (own: object): Competition['relay'] => readCompetition({ ...RUBY, exchange: 'relay', relay: { tolerance: 0, ...own } }).relay;
    expect(relay({})).toEqual({ timing: { leaseMs: 10_800_000, checkMs: 300_000, lapseWaitMs: 1_800_000 }, tolerance: 0, maxCandidates: 64 });
    expect(relay({ timing: { leaseMs: 500 } })?.timing).toEqual({ leaseMs: 500, checkMs: 300_000, lapseWaitMs: 1_800_000 });
  });

  it.each<[string, unknown, string]>([
    ['codec', { kind: 'top-k', chunk: 48, keep: 1, feedback: 1 }, 'expected a power of two'],
    ['codec', { kind: 'top-k', chunk: 16, keep: 17, feedback: 1 }, 'delta.codec.keep not above'],
    ['codec', { kind: 'dense', feedback: 1 }, 'Unrecognized key: "feedback"'],
    ['norm', { floor: 2, cap: 1 }, 'delta.norm.floor not above'],
    ['timing', { ...RUBY_WINDOWS.delta!.timing, uploadBlocks: RUBY_WINDOWS.timing.windowBlocks }, 'within the window'],
    ['aggregation', { rule: { kind: 'bulyan', faulty: 0.3 } }, 'faulty'],
    ['outer', { learningRate: 1, momentum: 1, nesterov: true }, 'momentum'],
    ['pages', { ...RUBY_WINDOWS.delta!.pages, count: 7 }, 'count'],
  ])('refuses windows with %s %j', (key, value, reason) => {
    const { delta, ...others } = JSON.parse(JSON.stringify(RUBY_WINDOWS)) as { delta: object };
    expect(() => readCompetition({ ...others, delta: { ...delta, [key]: value } })).toThrow(reason);
  });

  it('pays windows by what is measured of them', () => {
    expect(() => readCompetition({ ...RUBY_WINDOWS, policy: RUBY.policy })).toThrow('expected the policy gradient-agreement');
  });

  it('tells a newer version from a wrong one', () => {
    expect(() => readCompetition({ version: 2, anything: true })).toThrow(NewerSchema);
  });
});
