import { describe, expect, it } from 'vitest';
import { coalitionDigest, type CoalitionFacts } from '../../../genki/evaluation/coalition-digest.ts';
import { Random } from '../../../genki/protocol/random.ts';

const facts: CoalitionFacts = {
  base: 'MSySqEJ+oFWL5S5CpqnrhfBqcV4dbUUmY9zx8Cg2XBU=',
  config: 'c'.repeat(64),
  lora: { rank: 4, alpha: 8, targets: ['q_proj', 'fc1'], rslora: false },
  part: { clips: { march: 8, waltz: 4 }, seed: 's'.repeat(64) },
  updates: [
    { adapter: 'a'.repeat(64), weight: 0.4 },
    { adapter: 'b'.repeat(64), weight: 0.3 },
    { adapter: 'a'.repeat(64), weight: 0.2 },
  ],
  engine: 'onnxruntime-node 1.30.0, cpu, linux x64, some processor',
};

describe('coalitionDigest', () => {
  it('is 64 hex digits that stay what they are, since other rounds look for them', () => {
    expect(coalitionDigest(facts)).toBe('3ab73524f78107c70d578479dbac2997bf344c1c25e314b8a96c85a951bdc906');
  });

  it.each<[string, Partial<CoalitionFacts>]>([
    ['the base', { base: 'A'.repeat(43) + '=' }],
    ['its configuration', { config: 'd'.repeat(64) }],
    ['the rank', { lora: { ...facts.lora, rank: 8 } }],
    ['alpha', { lora: { ...facts.lora, alpha: 4 } }],
    ['the targets', { lora: { ...facts.lora, targets: ['q_proj'] } }],
    ['how alpha scales', { lora: { ...facts.lora, rslora: true } }],
    ['the clips of a style', { part: { ...facts.part, clips: { march: 8, waltz: 5 } } }],
    ['a style', { part: { ...facts.part, clips: { march: 8, swing: 4 } } }],
    ['the seed', { part: { ...facts.part, seed: 't'.repeat(64) } }],
    ['an adapter', { updates: [{ adapter: 'c'.repeat(64), weight: 0.4 }, ...facts.updates.slice(1)] }],
    ['the last bit of a weight', { updates: [{ adapter: 'a'.repeat(64), weight: 0.4 + 2 ** -54 }, ...facts.updates.slice(1)] }],
    ['whose weight is whose', { updates: [{ adapter: 'a'.repeat(64), weight: 0.3 }, { adapter: 'b'.repeat(64), weight: 0.4 }, facts.updates[2]!] }],
    ['a member less', { updates: facts.updates.slice(1) }],
    ['nobody', { updates: [] }],
    ['the engine', { engine: 'onnxruntime-node 1.31.0, cpu, linux x64, some processor' }],
  ])('is another one as soon as %s is another', (_, other) => {
    expect(coalitionDigest({ ...facts, ...other })).not.toBe(coalitionDigest(facts));
  });

  it('is the same one whatever the order of members and styles, and whatever else the objects hold', () => {
    const random = new Random('orders');
    for (let i = 0; i < 50; i++) expect(coalitionDigest({ ...facts, updates: random.shuffle(facts.updates) })).toBe(coalitionDigest(facts));
    const part = { seed: facts.part.seed, clips: { waltz: 4, march: 8 }, floors: { march: 0.1 } };
    expect(coalitionDigest({ ...facts, part })).toBe(coalitionDigest(facts));
  });

  it('refuses a weight that is not finite', () => {
    expect(() => coalitionDigest({ ...facts, updates: [{ adapter: 'a'.repeat(64), weight: NaN }] })).toThrow('Expected finite numbers in canonical JSON, got NaN');
  });
});
