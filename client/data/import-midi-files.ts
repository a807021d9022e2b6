import type { CutOptions } from '../../genki/data/midi/cut.ts';
import { MIDI_LIMITS } from '../../genki/data/midi/check-bytes.ts';
import { importMidi } from '../../genki/data/midi/import-midi.ts';
import { InvalidInput, TooLarge } from '../../genki/errors.ts';
import { droppedOf } from './dropped.ts';
import { type ImportedFile, notImported } from './file-report.ts';
import { readFileWithin } from './read-file.ts';
import { toldOf } from './told-of-midi.ts';
import type { MusicFile } from './music-files.ts';

/** MIDI files as clips of the sound chip, one file after the other: whatever is in one, the others are read. */
export async function importMidiFiles(files: readonly MusicFile[], options: CutOptions): Promise<ImportedFile[]> {
  const all: ImportedFile[] = [];
  for (const { path, problem } of files) {
    try {
      if (problem !== undefined) throw new InvalidInput(problem);
      const imported = importMidi(await readFileWithin(path, MIDI_LIMITS.bytes), await toldOf(path), options);
      all.push({ clips: imported.clips, report: { file: path, clips: imported.clips.length, dropped: droppedOf(imported), unknownWords: imported.unknownWords } });
    } catch (error) {
      if (!(error instanceof InvalidInput) && !(error instanceof TooLarge)) throw error;
      all.push(notImported(path, error.message));
    }
  }
  return all;
}
