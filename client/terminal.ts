import password from '@inquirer/password';
import { InvalidInput } from '../genki/errors.ts';
import { Passphrase } from '../workers/passphrase.ts';

/** What a command talks through; a process has all of it. */
export type Terminal = {
  readonly stdin: NodeJS.ReadableStream & { readonly isTTY?: boolean };
  readonly stdout: NodeJS.WritableStream & { readonly isTTY?: boolean };
  readonly stderr: NodeJS.WritableStream;
};

const MIN_PASSPHRASE = 8;

/** Something typed and not shown. @throws {InvalidInput} with what to do where nobody can be asked */
export async function askSecret(message: string, { terminal, instead }: { terminal: Terminal; instead: string }): Promise<string> {
  if (terminal.stdin.isTTY !== true) throw new InvalidInput(`Expected a terminal to ask on: ${message}; ${instead}`);
  return await password({ message, mask: true }, { input: terminal.stdin, output: terminal.stderr });
}

/** A passphrase to unlock something with. */
export async function askPassphrase(message: string, terminal: Terminal, instead = PASSPHRASE_IN_A_FILE): Promise<Passphrase> {
  return new Passphrase(await askSecret(message, { terminal, instead }), 'the words that were typed');
}

/** A passphrase to lock something with, typed twice. @throws {InvalidInput} when it is short, or is not typed the same twice */
export async function askNewPassphrase(message: string, terminal: Terminal): Promise<Passphrase> {
  const typed = await askSecret(message, { terminal, instead: PASSPHRASE_IN_A_FILE });
  if (typed.length < MIN_PASSPHRASE) throw new InvalidInput(`Expected a passphrase of at least ${MIN_PASSPHRASE} characters, got ${typed.length}`);
  if (typed !== (await askSecret('The same again', { terminal, instead: PASSPHRASE_IN_A_FILE }))) throw new InvalidInput('Expected the same passphrase twice, got two');
  return new Passphrase(typed, 'the words that were typed');
}

const PASSPHRASE_IN_A_FILE = 'put the passphrase into a file that only you can read (chmod 600), and name that by GENKI_PASSPHRASE_FILE';
