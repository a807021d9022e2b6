import { readdir, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { InvalidInput } from '../genki/errors.ts';
import { isKeySegment } from '../genki/store/object-name.ts';

/** Where Bittensor's tools keep wallets. */
export const bittensorWallets = (home: string = homedir()): string => join(home, '.bittensor', 'wallets');

/** Which key of a wallet: its coldkey, or the hotkey of a name. */
export type WalletKey = { readonly kind: 'coldkey' } | { readonly kind: 'hotkey'; readonly name: string };

/** Whether a path is a folder, as a wallet of Bittensor is. */
export const isFolder = async (path: string): Promise<boolean> => await stat(path).then((found) => found.isDirectory(), () => false);

/**
 * The key file of a wallet in Bittensor's layout: `<wallet>/coldkey`, `<wallet>/hotkeys/<name>`.
 * @throws {InvalidInput} naming the keys that the wallet has when that is none of them
 */
export async function keyfileOf(wallet: string, key: WalletKey): Promise<string> {
  const hotkeys = await filesOf(join(wallet, 'hotkeys'));
  const names = hotkeys.filter((name) => isKeySegment(name) && !hotkeys.some((other) => name === `${other}pub.txt`));
  const hasColdkey = (await filesOf(wallet)).includes('coldkey');
  if (key.kind === 'coldkey' && hasColdkey) return join(wallet, 'coldkey');
  if (key.kind === 'hotkey' && names.includes(key.name)) return join(wallet, 'hotkeys', key.name);
  const known = [...(hasColdkey ? ['its coldkey'] : []), ...names.map((name) => `the hotkey ${name}`)];
  throw new InvalidInput(`Expected a key of the wallet ${wallet}, which has ${known.length > 0 ? known.join(', ') : 'none'}; got ${key.kind === 'coldkey' ? 'its coldkey' : 'another hotkey'}`);
}

const filesOf = async (folder: string): Promise<string[]> => (await readdir(folder, { withFileTypes: true }).catch(() => [])).filter((entry) => entry.isFile()).map(({ name }) => name).sort();
