const MAX_LENGTH = 400;

/**
 * One line of printable ASCII, 400 characters at most. What a participant wrote may be quoted in it, and it goes onto
 * terminals, into reports, and is compared between validators.
 */
export function plainText(text: string): string {
  const line = text.slice(0, 4 * MAX_LENGTH).replace(/[\s✖→]+/g, ' ').trim().replace(/[^ -~]/g, '?');
  return line.length <= MAX_LENGTH ? line : `${line.slice(0, MAX_LENGTH - 3)}...`;
}
