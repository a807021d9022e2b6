import { Option, type Command } from 'commander';

/** `genki keys`. */
export function keyCommands(program: Command, env: NodeJS.ProcessEnv): void {
  const keys = program.command('keys').description('the keys of this machine, locked with a passphrase');
  keys
    .command('new')
    .description('a new key')
    .argument('<name>')
    .addOption(new Option('--words <n>', 'words of its mnemonic').choices(['12', '24']).default('12'))
    .option('--show-mnemonic', 'show the words from which the key can be made again', false)
    .option('--json', 'print JSON', false)
    .action(async (name: string, options: { words: string; showMnemonic: boolean; json: boolean }) => {
      const { newKey } = await import('./commands/keys.ts');
      await newKey(name, { ...options, words: options.words === '24' ? 24 : 12 }, env);
    });
  keys
    .command('list')
    .description('names, hotkeys, roles, and what is wrong with a file')
    .option('--json', 'print JSON', false)
    .action(async (options: { json: boolean }) => {
      const { listKeys } = await import('./commands/keys.ts');
      await listKeys(options, env);
    });
  keys
    .command('export')
    .description('a key as the JSON that Polkadot\'s and Bittensor\'s tools read, locked')
    .argument('<name>')
    .option('-o, --output <file>', 'where to; default: standard output')
    .option('--new-passphrase', 'ask for another passphrase to lock it with', false)
    .option('--passphrase-file <file>', 'lock it with the passphrase in this file')
    .option('--secret', 'its mnemonic or seed instead, in plain, on a terminal', false)
    .option('--force', 'a secret also where there is no terminal', false)
    .action(async (name: string, options: { output?: string; newPassphrase: boolean; passphraseFile?: string; secret: boolean; force: boolean }) => {
      const { exportKey } = await import('./commands/keys.ts');
      await exportKey(name, options, env);
    });
  keys
    .command('import')
    .description('a key from such a JSON, a key file or wallet of Bittensor, a mnemonic or a seed: in a file, on standard input, or typed')
    .argument('<name>')
    .argument('[file]', 'or the folder of a wallet, such as ~/.bittensor/wallets/default')
    .option('--hotkey <name>', 'of that folder', 'default')
    .option('--coldkey', 'of that folder, instead of a hotkey', false)
    .option('--passphrase-file <file>', 'what it is locked with; default: this home\'s, else it is asked for')
    .option('--json', 'print JSON', false)
    .action(async (name: string, file: string | undefined, options: { hotkey: string; coldkey: boolean; passphraseFile?: string; json: boolean }) => {
      const { importKey } = await import('./commands/keys.ts');
      await importKey(name, file, options, env);
    });
}
