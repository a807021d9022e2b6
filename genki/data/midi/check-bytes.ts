import { InvalidInput } from '../../errors.ts';

/** What a MIDI file may have; all of it is checked before a byte is given to the library that reads events. */
export const MIDI_LIMITS = Object.freeze({
  bytes: 2 ** 24,
  tracks: 256,
  /** In all tracks. */
  events: 2 ** 18,
  /** Of one text or of one message of a manufacturer. */
  payloadBytes: 2 ** 16,
  notes: 2 ** 16,
  seconds: 3600,
});

/** A file whose lengths are right: `bytes` holds its header and its tracks and nothing else. */
export type CheckedMidi = { readonly bytes: Uint8Array; readonly format: number; readonly division: number; readonly tracks: number; /** behind the last track, or in chunks of another kind */ readonly ignoredBytes: number };

const HEADER_BYTES = 14;
const CHUNK_HEAD_BYTES = 8;
const MAX_VARINT_BYTES = 4;
const META = 0xff;
const END_OF_TRACK = 0x2f;

/**
 * The file with every length checked: the library trusts them, and a length that wraps round makes it read one place
 * for ever. Tracks end at their end-of-track event, as players end them.
 * @throws {InvalidInput} naming the track and byte, what was expected and found
 */
export function checkMidiBytes(bytes: Uint8Array): CheckedMidi {
  if (bytes.byteLength > MIDI_LIMITS.bytes) throw new InvalidInput(`Expected a MIDI file of at most ${MIDI_LIMITS.bytes} bytes, got ${bytes.byteLength}`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.byteLength < HEADER_BYTES || idAt(bytes, 0) !== 'MThd') throw new InvalidInput(`Expected a MIDI file (MThd), got ${bytes.byteLength} other bytes`);
  const headerLength = view.getUint32(4);
  if (headerLength < 6 || headerLength > bytes.byteLength - CHUNK_HEAD_BYTES) throw new InvalidInput(`Expected a header of 6 bytes, got ${headerLength}`);
  const [format, tracks, division] = [view.getUint16(8), view.getUint16(10), view.getUint16(12)];
  if (format === 2) throw new InvalidInput('Expected a MIDI file of format 0 or 1, got format 2 (independent sequences); export them one by one');
  if (format > 2) throw new InvalidInput(`Expected a MIDI file of format 0 or 1, got format ${format}`);
  if (tracks < 1 || tracks > MIDI_LIMITS.tracks) throw new InvalidInput(`Expected 1 to ${MIDI_LIMITS.tracks} tracks, got ${tracks}`);
  const chunks = trackChunks(view, CHUNK_HEAD_BYTES + headerLength, tracks);
  let events = 0;
  const parts = chunks.map((chunk, track) => {
    const checked = checkTrack(chunk, { track, maxEvents: MIDI_LIMITS.events - events });
    events += checked.events;
    return checked.bytes;
  });
  const clean = joined(bytes.subarray(8, HEADER_BYTES), parts);
  return { bytes: clean, format, division, tracks, ignoredBytes: bytes.byteLength - HEADER_BYTES - chunks.reduce((sum, chunk) => sum + CHUNK_HEAD_BYTES + chunk.byteLength, 0) };
}

/** The bodies of the tracks; chunks of other kinds are passed over, as the standard asks. */
function trackChunks(view: DataView, from: number, wanted: number): Uint8Array[] {
  const found: Uint8Array[] = [];
  let at = from;
  while (found.length < wanted) {
    if (at + CHUNK_HEAD_BYTES > view.byteLength) throw new InvalidInput(`Expected ${wanted} tracks, got ${found.length} and the end of the file`);
    const length = view.getUint32(at + 4);
    const body = at + CHUNK_HEAD_BYTES;
    const isTrack = idAt(new Uint8Array(view.buffer, view.byteOffset), at) === 'MTrk';
    if (length > view.byteLength - body) throw new InvalidInput(`Expected ${isTrack ? `track ${found.length + 1}` : `the chunk at byte ${at}`} to hold ${length} bytes, got ${view.byteLength - body}`);
    if (isTrack) found.push(new Uint8Array(view.buffer, view.byteOffset + body, length));
    at = body + length;
  }
  return found;
}

function checkTrack(chunk: Uint8Array, { track, maxEvents }: { track: number; maxEvents: number }): { bytes: Uint8Array; events: number } {
  const refused = (at: number, expected: string, got: string): InvalidInput => new InvalidInput(`Expected ${expected} at byte ${at} of track ${track + 1}, got ${got}`);
  let at = 0;
  let events = 0;
  let status: number | undefined;
  const byte = (): number => {
    const value = chunk[at++];
    if (value === undefined) throw refused(chunk.byteLength, 'the rest of an event', 'the end of the track');
    return value;
  };
  const varint = (): number => {
    const from = at;
    for (let value = 0, n = 1; ; n++) {
      const next = byte();
      value = value * 128 + (next & 0x7f);
      if (next < 0x80) return value;
      if (n === MAX_VARINT_BYTES) throw refused(from, `a number of at most ${MAX_VARINT_BYTES} bytes`, 'a longer one');
    }
  };
  const payload = (): void => {
    const from = at;
    const length = varint();
    if (length > MIDI_LIMITS.payloadBytes) throw refused(from, `at most ${MIDI_LIMITS.payloadBytes} bytes in an event`, `${length}`);
    if (length > chunk.byteLength - at) throw refused(from, `${length} more bytes of an event`, `${chunk.byteLength - at}`);
    at += length;
  };
  const parameters = (from: number, wanted: number): void => {
    for (let n = 0; n < wanted; n++) if (byte() >= 0x80) throw refused(from, 'parameters below 128', 'a damaged event');
  };
  while (at < chunk.byteLength) {
    if (++events > maxEvents) throw new InvalidInput(`Expected at most ${MIDI_LIMITS.events} events, got more in track ${track + 1}`);
    varint();
    const from = at;
    const first = byte();
    if (first === META) {
      const type = byte();
      payload();
      if (type === END_OF_TRACK) break;
    } else if (first === 0xf0 || first === 0xf7) {
      payload();
    } else if (first > 0xf0) {
      throw refused(from, 'an event of a file', `a message of the wire, ${first}`);
    } else {
      if (first >= 0x80) status = first;
      else if (status === undefined) throw refused(from, 'a status before its parameters', `${first}`);
      const kind = (status ?? first) >> 4;
      parameters(from, (kind === 0xc || kind === 0xd ? 1 : 2) - (first < 0x80 ? 1 : 0));
    }
  }
  return { bytes: chunk.subarray(0, at), events };
}

function joined(header: Uint8Array, tracks: readonly Uint8Array[]): Uint8Array {
  const file = new Uint8Array(HEADER_BYTES + tracks.reduce((sum, track) => sum + CHUNK_HEAD_BYTES + track.byteLength, 0));
  const view = new DataView(file.buffer);
  let at = 0;
  const chunk = (id: string, body: Uint8Array): void => {
    file.set(new TextEncoder().encode(id), at);
    view.setUint32(at + 4, body.byteLength);
    file.set(body, at + CHUNK_HEAD_BYTES);
    at += CHUNK_HEAD_BYTES + body.byteLength;
  };
  chunk('MThd', header);
  for (const track of tracks) chunk('MTrk', track);
  return file;
}

const idAt = (bytes: Uint8Array, at: number): string => String.fromCharCode(...bytes.subarray(at, at + 4));
