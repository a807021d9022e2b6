import type { Imported } from '../../genki/data/midi/import-midi.ts';

/** What of a song is not in its clips as it was, in words. */
export function droppedOf({ arrangement: { losses, parts }, song, silentClips, clips }: Imported): string[] {
  const others = parts.filter(({ role }) => role === 'left').length;
  const said = (count: number, what: string): string[] => (count === 0 ? [] : [`${count} ${count === 1 ? what : what.replace(/^\w+/, '$&s')}`]);
  return [
    ...(parts.length === 0 ? ['no note at all'] : []),
    ...said(losses.otherParts, `note of ${others} more ${others === 1 ? 'part' : 'parts'} than the chip has channels`),
    ...said(losses.polyphony, 'note that sounded together with others of a channel'),
    ...said(losses.unknownDrums, 'note on keys that are no drums'),
    ...said(silentClips, 'clip in which nothing sounds'),
    ...said(song.ignoredBytes, 'byte outside the tracks'),
    ...said(losses.transposed, 'note moved to another octave').map((text) => `(${text})`),
    ...said(losses.endless, 'note without an end').map((text) => `(${text})`),
    ...(clips.length > 0 || parts.length === 0 ? [] : ['everything']),
  ];
}
