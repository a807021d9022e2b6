import { accepted, holds, type Target } from '../target.ts';
import { InvalidInput } from '../../../genki/errors.ts';

const broken = (name: string, check: Target['check']): Target => ({ name, weight: 1, maxBytes: 4096, valid: [Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8)], check });
const isChanged = (bytes: Uint8Array): boolean => bytes[0] !== 1 || bytes.length !== 8;

/** Readers with every fault that the fuzzer is there to find. */
export const targets = async (): Promise<readonly Target[]> => [
  broken('is-sound', (bytes) => (isChanged(bytes) ? 'refused' : 'accepted')),
  broken('hangs', (bytes) => {
    while (isChanged(bytes));
    return 'accepted';
  }),
  broken('eats-heap', (bytes) => {
    const all: number[][] = [];
    while (isChanged(bytes)) all.push(new Array<number>(1000).fill(1.5));
    return 'accepted';
  }),
  broken('eats-memory', (bytes) => {
    if (isChanged(bytes)) new Uint8Array(400 * 2 ** 20).fill(1);
    return 'accepted';
  }),
  broken('is-slow', (bytes) => {
    const before = process.cpuUsage();
    const usedMicroseconds = (): number => process.cpuUsage(before).user + process.cpuUsage(before).system;
    while (isChanged(bytes) && usedMicroseconds() < 2_200_000);
    return 'accepted';
  }),
  broken('throws', (bytes) => (bytes.includes(9) ? (accepted([InvalidInput], () => JSON.parse('{')), 'refused') : 'accepted')),
  broken('accepts', (bytes) => {
    holds(bytes.length <= 8, 'no more bytes than 8');
    return 'accepted';
  }),
  broken('refuses', () => 'refused'),
  broken('ends', (bytes) => (isChanged(bytes) ? process.exit(3) : 'accepted')),
];
