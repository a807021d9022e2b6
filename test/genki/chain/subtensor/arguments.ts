import { encodeHotkey } from '../../../../genki/chain/keys.ts';
import type { CallShape } from '../../../../genki/chain/subtensor/call-shape.ts';
import { shapeOf, type Field } from '../../../../genki/chain/subtensor/shape.ts';
import type { Random } from '../../../../genki/protocol/random.ts';
import type { Registry } from '@polkadot/types/types';

/** Seeded arguments of a call, of every shape that its types have. */
export const drawArgs = (registry: Registry, { fields }: CallShape, random: Random): Record<string, unknown> => (drawFields(registry, fields, random, 0) ?? {}) as Record<string, unknown>;

const hex = (random: Random, bytes: number): string => `0x${Array.from({ length: bytes }, () => random.int(256).toString(16).padStart(2, '0')).join('')}`;

/** Small ones, large ones and the largest alike. */
function drawInteger(random: Random, bytes: number, signed: boolean): bigint {
  const bits = BigInt(random.int(8 * bytes + 1));
  const raw = BigInt(hex(random, bytes)) & ((1n << bits) - 1n);
  return signed ? BigInt.asIntN(8 * bytes, raw) : raw;
}

/** As sets are kept: numbers each once, in order. */
const ascending = (items: unknown[]): unknown[] => (items.every((item) => typeof item === 'number') ? [...new Set(items)].sort((a, b) => a - b) : items);

function draw(registry: Registry, type: number, random: Random, depth: number): unknown {
  const shape = shapeOf(registry, type);
  const few = (): number => (depth > 4 ? 0 : random.int(4));
  switch (shape.kind) {
    case 'integer': {
      const value = drawInteger(random, shape.bytes, shape.signed);
      return shape.bytes <= 4 ? Number(value) : String(value);
    }
    case 'compact':
      return String(drawInteger(random, 2, false));
    case 'bool':
      return random.int(2) === 1;
    case 'text':
      return 'Ruby ♪'.slice(0, few());
    case 'account':
      return encodeHotkey(Buffer.from(hex(random, 32).slice(2), 'hex'));
    case 'bytes':
      return hex(random, shape.length ?? few() * 30);
    case 'list':
      return ascending(Array.from({ length: shape.length ?? few() }, () => draw(registry, shape.item, random, depth + 1)));
    case 'fields':
      return drawFields(registry, shape.fields, random, depth);
    case 'option':
      return random.int(2) === 1 && depth < 6 ? draw(registry, shape.item, random, depth + 1) : null;
    case 'call':
      return { pallet: 'system', method: 'remark', args: { remark: hex(random, few()) } };
    case 'variants': {
      // polkadot.js reads a MultiAddress of another kind by rules of its own
      const { name, fields } = shape.variants.find((variant) => variant.name === 'Id') ?? random.pick(shape.variants);
      return fields.length === 0 ? name : { [name]: drawFields(registry, fields, random, depth + 1) };
    }
  }
}

function drawFields(registry: Registry, fields: readonly Field[], random: Random, depth: number): unknown {
  if (fields.length === 0) return null;
  if (fields[0]!.name !== undefined) return Object.fromEntries(fields.map(({ name, type }) => [name!, draw(registry, type, random, depth)]));
  return fields.length === 1 ? draw(registry, fields[0]!.type, random, depth) : fields.map(({ type }) => draw(registry, type, random, depth));
}
