import { spawn } from 'node:child_process';
import { InvalidInput } from '../../genki/errors.ts';

/** Formats that hold their sound themselves: none is a list of other files or addresses. */
const FORMATS = [
  'aac', 'ac3', 'aiff', 'amr', 'ape', 'asf', 'au', 'avi', 'caf', 'dsf', 'eac3', 'flac', 'flv', 'matroska', 'mov', 'mp3', 'mpc',
  'mpc8', 'mpeg', 'mpegts', 'ogg', 'tak', 'tta', 'w64', 'wav', 'wv', 'xwma',
];
/** Of one piece of memory: a file can claim pictures of any size. */
const MAX_ALLOC = 2 ** 28;
const MAX_STDERR = 2 ** 14;

export type FfmpegRun = { readonly file: string; /** what to do with the file's sound, and where to: `pipe:1` */ readonly output: readonly string[]; readonly timeoutMs: number; readonly signal?: AbortSignal | undefined };

/** What ffmpeg said, a line each; nothing when all was well. */
export type Complaints = { readonly failed: boolean; readonly lines: readonly string[] };

/**
 * Reads a file with ffmpeg: it alone, no address and no other file that it may name, in a format that cannot name any.
 * @param take given what comes out, until it returns false; then ffmpeg is ended
 * @throws {InvalidInput} when it takes too long, or cannot be run; whatever the signal is aborted with
 */
export async function runFfmpeg(ffmpeg: string, { file, output, timeoutMs, signal }: FfmpegRun, take: (chunk: Buffer) => boolean): Promise<Complaints> {
  signal?.throwIfAborted();
  const input = ['-protocol_whitelist', 'file', '-format_whitelist', FORMATS.join(','), '-vn', '-sn', '-dn', '-i', `file:${file}`];
  const child = spawn(ffmpeg, ['-nostdin', '-hide_banner', '-v', 'error', '-max_alloc', `${MAX_ALLOC}`, '-threads', '1', ...input, '-map', '0:a:0', ...output], { stdio: ['ignore', 'pipe', 'pipe'] });
  const ended = new Promise<number | null>((resolve, reject) => child.once('error', reject).once('close', resolve));
  let why: 'late' | 'enough' | undefined;
  const end = (reason: typeof why) => (): void => {
    why ??= reason;
    child.kill('SIGKILL');
  };
  const timer = setTimeout(end('late'), timeoutMs);
  const abort = end(undefined);
  signal?.addEventListener('abort', abort);
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => (said = `${said}${chunk.toString()}`.slice(-MAX_STDERR)));
  child.stdout.on('data', (chunk: Buffer) => {
    if (why === undefined && !take(chunk)) end('enough')();
  });
  try {
    const status = await ended;
    signal?.throwIfAborted();
    if (why === 'late') throw new InvalidInput(`Expected ffmpeg to read ${file} within ${Math.round(timeoutMs / 1000)} s, got no end`);
    return { failed: why === undefined && status !== 0, lines: linesOf(said, file) };
  } catch (cause) {
    if (cause instanceof InvalidInput || signal?.aborted === true) throw cause;
    throw new InvalidInput(`Expected to run ffmpeg (${ffmpeg}), got ${(cause as NodeJS.ErrnoException).code ?? String(cause)}`, { cause });
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', abort);
  }
}

/** Without the file's path and the addresses of ffmpeg's parts, each once. */
function linesOf(said: string, file: string): string[] {
  const lines = said.split('\n').map((line) => line.replace(/^\[([^\]@]*?) ?@ 0x[0-9a-f]+\] /, '$1: ').replaceAll(`file:${file}`, 'the file').trim());
  return [...new Set(lines)].filter((line) => line !== '' && !/^Last message repeated/.test(line));
}
