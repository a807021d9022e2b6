import type { SiField, SiVariant } from '@polkadot/types/interfaces';
import type { Registry } from '@polkadot/types/types';
import { stringCamelCase } from '@polkadot/util';

export type Field = { /** in camel case; undefined where the runtime has none */ readonly name: string | undefined; readonly type: number };
export type Variant = { readonly name: string; readonly index: number; readonly fields: readonly Field[] };

/** How a type of the metadata lies on the wire; types are named by their number in it. */
export type Shape =
  | { readonly kind: 'integer'; readonly bytes: number; readonly signed: boolean }
  | { readonly kind: 'compact' }
  | { readonly kind: 'bool' }
  | { readonly kind: 'text' }
  /** Public key of an account. */
  | { readonly kind: 'account' }
  /** Of that length, or after it. */
  | { readonly kind: 'bytes'; readonly length: number | undefined }
  | { readonly kind: 'list'; readonly item: number; readonly length: number | undefined }
  | { readonly kind: 'fields'; readonly fields: readonly Field[] }
  | { readonly kind: 'option'; readonly item: number }
  /** Any call of the runtime. */
  | { readonly kind: 'call' }
  | { readonly kind: 'variants'; readonly variants: readonly Variant[] };

const known = new WeakMap<Registry['lookup'], Map<number, Shape>>();

/** The shape of a type. @throws {RangeError} for the few that no call of a chain has */
export function shapeOf(registry: Registry, type: number): Shape {
  const shapes = known.get(registry.lookup) ?? new Map<number, Shape>();
  known.set(registry.lookup, shapes);
  const shape = shapes.get(type) ?? read(registry, type);
  shapes.set(type, shape);
  return shape;
}

/** The variants of an enum of the metadata, such as a pallet's calls. */
export function variantsOf(registry: Registry, type: number): readonly Variant[] {
  const shape = shapeOf(registry, type);
  if (shape.kind !== 'variants') throw new RangeError(`Expected variants in type ${type} of the metadata, got ${shape.kind}`);
  return shape.variants;
}

function read(registry: Registry, type: number): Shape {
  const { path, def } = registry.lookup.getSiType(type);
  const name = path.at(-1)?.toString();
  if (name === 'AccountId32') return { kind: 'account' };
  if (name === 'RuntimeCall') return { kind: 'call' };
  if (def.isPrimitive) return primitive(def.asPrimitive.type.toLowerCase());
  if (def.isCompact) return isNothing(registry, def.asCompact.type.toNumber()) ? { kind: 'fields', fields: [] } : { kind: 'compact' };
  if (def.isSequence) return list(registry, def.asSequence.type.toNumber());
  if (def.isArray) return list(registry, def.asArray.type.toNumber(), def.asArray.len.toNumber());
  if (def.isTuple) return { kind: 'fields', fields: def.asTuple.map((item) => ({ name: undefined, type: item.toNumber() })) };
  if (def.isComposite) return { kind: 'fields', fields: def.asComposite.fields.map(field) };
  if (!def.isVariant) throw new RangeError(`Expected a type that calls have, got ${def.type}`);
  const variants = def.asVariant.variants.map(variant);
  return name === 'Option' ? { kind: 'option', item: variants.find((one) => one.name === 'Some')!.fields[0]!.type } : { kind: 'variants', variants };
}

function primitive(name: string): Shape {
  if (name === 'bool') return { kind: 'bool' };
  if (name === 'str') return { kind: 'text' };
  const [, sign, bits] = /^([ui])(\d+)$/.exec(name) ?? [];
  if (bits === undefined) throw new RangeError(`Expected a type that calls have, got ${name}`);
  return { kind: 'integer', bytes: Number(bits) / 8, signed: sign === 'i' };
}

function list(registry: Registry, item: number, length?: number): Shape {
  const { def } = registry.lookup.getSiType(item);
  return def.isPrimitive && def.asPrimitive.isU8 ? { kind: 'bytes', length } : { kind: 'list', item, length };
}

const isNothing = (registry: Registry, type: number): boolean => {
  const { def } = registry.lookup.getSiType(type);
  return def.isTuple && def.asTuple.length === 0;
};

const field = ({ name, type }: SiField): Field => ({ name: name.isSome ? stringCamelCase(name.unwrap().toString()) : undefined, type: type.toNumber() });

const variant = ({ name, index, fields }: SiVariant): Variant => ({ name: name.toString(), index: index.toNumber(), fields: fields.map(field) });
