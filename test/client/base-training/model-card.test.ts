import { describe, expect, it } from 'vitest';
import { lossCurve } from '../../../client/base-training/loss-curve.ts';
import { modelCard } from '../../../client/base-training/model-card.ts';
import { hyperOf, MUSIC } from '../../../client/base-training/recipe.ts';
import type { TrainingRecord } from '../../../client/base-training/training-record.ts';
import { size, weightSpecs } from '../../../genki/music/weights.ts';

const record: TrainingRecord = {
  name: 'ruby-test',
  licence: 'CC0-1.0',
  parameters: 1_123_616,
  digest: 'weights-digest',
  data: { name: 'corpus', licence: 'CC0-1.0', sharing: 'shared', digest: 'data-digest', clips: 6, styles: ['town'], clipsOfEachStyle: 6 },
  seeds: { weights: 'w', data: 'd' },
  hyper: hyperOf(200),
  engine: 'onnxruntime-node 0',
  lossCurve: [[25, 3.5], [200, 0.4]],
  heldOut: [{ step: 0, losses: { town: 4.1, march: 4.2 } }, { step: 200, losses: { town: 0.35, march: 2.5 } }],
  heldOutClipsOfEachStyle: 16,
  floors: { town: 0.1, march: 0.11 },
};

describe('the model card', () => {
  it('says which styles were heard, and what was lost before, after and at best', () => {
    const card = modelCard(record);
    expect(card).toContain('| town | yes | 4.100 | 0.350 | 0.100 |');
    expect(card).toContain('| march | no | 4.200 | 2.500 | 0.110 |');
    for (const figure of ['1.12 million', 'CC0-1.0', 'data-digest', 'weights-digest', '200 steps of 8 clips', 'onnxruntime-node 0', '| weights | `w` |']) expect(card).toContain(figure);
  });

  it('has a picture of the loss, the same for the same record, with a line for training and each style', () => {
    const picture = lossCurve(record);
    expect(picture).toMatch(/^<svg /);
    for (const label of ['ruby-test: loss while it learns', 'training', 'town', 'march', 'nats per code']) expect(picture).toContain(label);
    expect(lossCurve(record)).toBe(picture);
  });
});

describe('the recipe', () => {
  it('makes a model of about 1.12 million parameters', () => {
    expect(weightSpecs(MUSIC).reduce((count, { shape }) => count + size(shape), 0)).toBe(1_123_680);
  });
});
