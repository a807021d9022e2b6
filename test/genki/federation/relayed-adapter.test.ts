import { describe, expect, it } from 'vitest';
import { BadSubmission } from '../../../genki/errors.ts';
import { nameBase, openRelayed } from '../../../genki/federation/relayed-adapter.ts';
import { initialAdapter } from '../../../genki/music/adapted-net.ts';
import { decodeAdapter, encodeAdapter, updateNorm } from '../../../genki/music/lora.ts';
import { Random } from '../../../genki/protocol/random.ts';
import { decodeSafetensors, encodeSafetensors } from '../../../genki/protocol/safetensors.ts';
import { TOY, TOY_LORA } from '../music/support/toys.ts';

const expected = { music: TOY, lora: TOY_LORA, maxNorm: 1000, limits: { maxTensors: 64 } };
const adapter = initialAdapter(TOY, TOY_LORA, new Random('adapter'));
for (const { b } of adapter.layers.values()) b.fill(0.1);
const plain = encodeAdapter(adapter);

describe('a relayed adapter\'s file', () => {
  it('names its base, and is PEFT\'s file otherwise', () => {
    const named = nameBase(plain, 'a digest');
    expect(decodeSafetensors(named).metadata).toEqual({ format: 'pt', base_model_digest: 'a digest' });
    expect(decodeAdapter(named, expected)).toEqual(adapter);
    expect(openRelayed(named, expected)).toEqual({ base: 'a digest', norm: updateNorm(adapter), file: named });
  });

  it('loses whatever else its author wrote into it', () => {
    const { tensors } = decodeSafetensors(plain);
    const signed = encodeSafetensors(tensors, { base_model_digest: 'a digest', author: 'anna' });
    expect(openRelayed(signed, expected).file).toEqual(nameBase(plain, 'a digest'));
  });

  it.each([
    ['without a base', plain, expected, 'Expected the entry base_model_digest in the adapter\'s metadata, got none'],
    ['that is too long an update', nameBase(plain, 'x'), { ...expected, maxNorm: 0.1 }, 'Expected an update of norm at most 0.1'],
    ['of more tensors', nameBase(plain, 'x'), { ...expected, limits: { maxTensors: 2 } }, 'Expected'],
    ['of another rank', nameBase(encodeAdapter(initialAdapter(TOY, { ...TOY_LORA, rank: 2 }, new Random('x'))), 'x'), expected, 'to be F32 [4, '],
    ['of other layers', nameBase(encodeAdapter(initialAdapter(TOY, { ...TOY_LORA, targets: ['fc1'] }, new Random('x'))), 'x'), expected, 'Expected tensor'],
  ])('is refused %s', (_, bytes, limits, message) => {
    const open = () => openRelayed(bytes, limits);
    expect(open).toThrow(BadSubmission);
    expect(open).toThrow(message);
  });
});
