import type { Command } from 'commander';
import { whole } from './option-values.ts';

const MAX_BLOCK = 0xffffffff;
const METADATA = ['--metadata <file>', 'of the runtime, as state_getMetadata answers: bytes, hex or JSON'] as const;

/** `genki chain`: calls that are written, read and signed with no node, and epochs computed beforehand. */
export function chainCommands(program: Command, env: NodeJS.ProcessEnv): void {
  const chain = program.command('chain').description('what a chain holds, calls to a subtensor without a node, and what the next epoch gives');
  viewCommands(chain, env);
  chain
    .command('encode')
    .description('a call\'s bytes, from the runtime\'s metadata alone')
    .argument('<call>', 'pallet.method, such as subtensorModule.burnedRegister; or one of our own as JSON')
    .argument('[args]', 'of a pallet\'s method, by name, as a JSON object')
    .requiredOption(...METADATA)
    .option('--json', 'print JSON', false)
    .action(async (call: string, args: string | undefined, options: { metadata: string; json: boolean }) => {
      const { encodeOffline } = await import('./commands/chain-offline.ts');
      await encodeOffline(call, args, options);
    });
  chain
    .command('decode')
    .description('what the bytes of a call or an extrinsic say')
    .argument('<hex>')
    .requiredOption(...METADATA)
    .option('--genesis <hash>', 'of the chain, to check a signature')
    .option('--block <n>', 'that it was signed at', whole(0, MAX_BLOCK))
    .option('--block-hash <hash>', 'of that block')
    .option('--json', 'print JSON', false)
    .action(async (hex: string, options: { metadata: string; genesis?: string; block?: number; blockHash?: string; json: boolean }) => {
      const { decodeOffline } = await import('./commands/chain-offline.ts');
      await decodeOffline(hex, options);
    });
  chain
    .command('sign')
    .description('a signed extrinsic, with no network; says first what is signed')
    .argument('<hex>', 'of a call, as encode gives it')
    .requiredOption(...METADATA)
    .requiredOption('--key <name>', 'one of the keys of this machine')
    .requiredOption('--genesis <hash>', 'of the chain')
    .requiredOption('--nonce <n>', 'the account\'s next one', whole(0, MAX_BLOCK))
    .requiredOption('--block <n>', 'a finalized block; it lives from there on', whole(0, MAX_BLOCK))
    .requiredOption('--block-hash <hash>', 'of that block')
    .option('--period <n>', 'blocks that it lives, a power of two', whole(4, 2048), 64)
    .option('--json', 'print JSON', false)
    .action(async (hex: string, options: { metadata: string; key: string; genesis: string; nonce: number; block: number; blockHash: string; period: number; json: boolean }) => {
      const { signOffline } = await import('./commands/chain-offline.ts');
      await signOffline(hex, options, env);
    });
  chain
    .command('simulate-epoch')
    .description('what the next epoch gives each neuron, and what it would with other weights')
    .option('--hotkey <hotkey>', 'whose weights are changed: a hotkey, name or uid')
    .option('--weights <json>', 'its weights by hotkey, name or uid, such as {"2":1,"swing":3}; or a file of them')
    .option('--mechanism <n>', 'of the subnet, that they are for', whole(0, 255), 0)
    .option('--netuid <n>', 'default: the competition\'s', whole(0, 65_535))
    .option('--json', 'print JSON', false)
    .action(async (options: { hotkey?: string; weights?: string; mechanism: number; netuid?: number; json: boolean }) => {
      const { simulateNextEpoch } = await import('./commands/simulate-epoch.ts');
      await simulateNextEpoch(options, env);
    });
}

/** What the chain that the settings name (`GENKI_CHAIN`, or the running network's) holds at its newest finalized block. */
function viewCommands(chain: Command, env: NodeJS.ProcessEnv): void {
  const views = [
    ['status', 'the head, the nodes, and the subnet\'s clock and rules', 'showChain'],
    ['metagraph', 'every neuron of the subnet', 'showMetagraph'],
    ['commitments', 'the newest commitment of each hotkey, in their order', 'showCommitments'],
    ['weights', 'each validator\'s weights, and what is hidden yet', 'showWeights'],
  ] as const;
  for (const [name, about, show] of views) {
    chain
      .command(name)
      .description(about)
      .option('--netuid <n>', 'default: the competition\'s', whole(0, 65_535))
      .option('--json', 'print JSON', false)
      .action(async (options: { netuid?: number; json: boolean }) => {
        const commands = await import('./commands/chain-view.ts');
        await commands[show](options, env);
      });
  }
}
