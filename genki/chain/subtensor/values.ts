import type { Codec } from '@polkadot/types/types';
import * as z from 'zod';
import { isHotkey } from '../keys.ts';

/** What a decoded value is in JSON; integers that a number cannot hold are 0x hex. */
export const json = (value: unknown): unknown => (isCodec(value) ? value.toJSON() : value);

const isCodec = (value: unknown): value is Codec => typeof (value as Codec | null)?.toJSON === 'function';

export const Address = z.string().refine(isHotkey, 'expected an address');
export const U16 = z.int().min(0).max(65_535);
/** A block, a length of time in blocks, an epoch. */
export const Whole = z.union([z.int(), z.string().regex(/^0x[0-9a-f]+$/)]).transform(Number).refine((number) => Number.isSafeInteger(number) && number >= 0, 'expected a count');
/** An amount, decimal. */
export const Rao = z.union([z.int().min(0), z.string().regex(/^(0x[0-9a-f]+|\d+)$/)]).transform((amount) => String(BigInt(amount)));
