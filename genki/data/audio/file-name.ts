/** What a file is called, as a title: without the number of its track, underscores and what only a program would write; undefined where nothing is left that says something. */
export function titleOfFileName(stem: string): string | undefined {
  const spaced = stem.normalize('NFC').replace(/[_+.]+/g, ' ').replace(/[\s\p{C}]+/gu, ' ').trim();
  if (/^[0-9a-f-]{16,}$/i.test(spaced)) return undefined;
  const title = spaced.replace(/^(?:(?:track|cd|disc) ?)?\d{1,3}(?: ?[-–)] ?| )/i, '').replace(/^[-–\s]+|[-–\s]+$/g, '');
  const isBare = /^(?:track|audio|untitled|unknown|recording|song|file|take|new)?[\s\d()-]*$/i.test(title);
  return isBare || !/\p{L}{2}/u.test(title) ? undefined : title;
}
