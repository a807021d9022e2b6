import { InvalidInput, TooLarge } from '../errors.ts';
import type { ByteRange, GetOptions } from './object-store.ts';

/** @throws {InvalidInput} when it is no range, {TooLarge} when it is longer than the limit */
export function checkRange({ start, end }: ByteRange, { maxBytes }: Pick<GetOptions, 'maxBytes'>): void {
  const isRange = Number.isSafeInteger(start) && Number.isSafeInteger(end) && start >= 0 && end >= start;
  if (!isRange) throw new InvalidInput(`Expected a range of bytes, got ${start} up to ${end}`);
  if (end - start > maxBytes) throw new TooLarge(`Expected a range of at most ${maxBytes} bytes, got ${end - start}`);
}
