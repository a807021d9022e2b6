import { nameOfKey } from '../../genki/data/audio/key-name.ts';
import { resample } from '../../genki/evaluation/clap/resample.ts';
import { arrange } from '../../genki/data/midi/arrange.ts';
import { MIDI_LIMITS } from '../../genki/data/midi/check-bytes.ts';
import { readSong } from '../../genki/data/midi/song.ts';
import { InvalidInput } from '../../genki/errors.ts';
import { renderCodes, SAMPLE_RATE } from '../../genki/music/apu/synthesizer.ts';
import type { Audio } from '../../genki/music/codec.ts';
import { RUBY } from '../../genki/protocol/ruby.ts';
import { readFileWithin } from './read-file.ts';
import { mixed, type Sound } from './read-sound.ts';

/**
 * A MIDI file as the sound chip plays it.
 * @throws {InvalidInput} {TooLarge} naming what is wrong with the file
 */
export async function playMidi(path: string, format: Pick<Audio, 'sampleRate'> & { readonly channels: 1 | 2 }): Promise<Sound> {
  const { frameRate } = RUBY.music;
  const { codes, frames, key, tempo } = arrange(readSong(await readFileWithin(path, MIDI_LIMITS.bytes)), { frameRate });
  if (frames === 0) throw new InvalidInput('Expected notes, got none');
  const bpm = tempo.tempoAt(0);
  const samples = resample(renderCodes(codes, { frameRate }), SAMPLE_RATE, format.sampleRate);
  return {
    audio: { channels: mixed([samples], format.channels), sampleRate: format.sampleRate },
    tags: { ...(key !== undefined && (key.mode === 'major' || key.mode === 'minor') && { key: nameOfKey(key) }), ...(bpm !== undefined && { bpm: Math.round(bpm) }) },
    notes: ['played by the sound chip'],
  };
}
