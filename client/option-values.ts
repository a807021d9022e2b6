import { InvalidArgumentError } from 'commander';
import { durationText, parseDuration } from './duration.ts';

/** Parsers of options' values, each saying what it expects. */
export const whole = (min: number, max: number) => (text: string): number => {
  const value = Number(text);
  // an empty text, which an unset variable of a shell leaves, is 0 to Number
  if (text.trim() === '' || !Number.isInteger(value) || value < min || value > max) throw new InvalidArgumentError(`expected a whole number from ${min} to ${max}`);
  return value;
};
export const between = (min: number, max: number) => (text: string): number => {
  const value = Number(text);
  if (text.trim() === '' || !(value >= min && value <= max)) throw new InvalidArgumentError(`expected a number from ${min} to ${max}`);
  return value;
};
export const duration = (min: number, max: number) => (text: string): number => {
  const ms = parseDuration(text);
  if (ms === undefined || ms < min || ms > max) throw new InvalidArgumentError(`expected a time from ${durationText(min)} to ${durationText(max)}, such as 90s, 5m or 1h`);
  return ms;
};
