import { Command, InvalidArgumentError } from 'commander';
import { homeOf } from '../workers/settings.ts';

const whole = (min: number, max: number) => (text: string): number => {
  const value = Number(text);
  if (!Number.isInteger(value) || value < min || value > max) throw new InvalidArgumentError(`expected a whole number from ${min} to ${max}`);
  return value;
};
const BLOCK_MS = 250;
/** The `genki` command: every option with its default. */
export function createProgram(env: NodeJS.ProcessEnv): Command {
  const program = new Command('genki').enablePositionalOptions().description('Train open music models together. Every step durable, every contribution measured and paid.').showHelpAfterError();

  program
    .command('start')
    .description('one epoch of a whole federation on this machine, or several')
    .option('--rounds <n>', 'epochs, each from the last one\'s Dama', whole(1, 100), 1)
    .option('--resume', 'carry on with the last run', false)
    .option('--keep', 'leave the network running until Ctrl-C', false)
    .option('--json', 'end with one JSON object on stdout', false)
    .option('--block-ms <ms>', 'block time of the local chain', whole(50, 12_000), BLOCK_MS)
    .option('--any-ports', 'take any free ports instead of Temporal\'s 7233 and 8233', false)
    .action(async (options: { rounds: number; resume: boolean; keep: boolean; json: boolean; blockMs: number; anyPorts: boolean }) => {
      const { start } = await import('./commands/start.ts');
      await start({ ...options, home: homeOf(env), env });
    });

  program
    .command('up')
    .description('start the embedded network and leave it running until Ctrl-C')
    .option('--block-ms <ms>', 'block time of the local chain', whole(50, 12_000), BLOCK_MS)
    .option('--any-ports', 'take any free ports instead of Temporal\'s 7233 and 8233', false)
    .option('--json', 'print the addresses as JSON', false)
    .action(async (options: { blockMs: number; anyPorts: boolean; json: boolean }) => {
      const { up } = await import('./commands/up.ts');
      await up({ ...options, home: homeOf(env), env });
    });

  const worker = program.command('worker').description('run a worker of a network that is up');
  worker.command('cpu').description('workflows, chain, storage, scoring').option('--json', 'say that it is ready as JSON', false).action(async () => void (await import('../workers/cpu/main.ts')));
  worker.command('gpu').description('training and generation').option('--json', 'say that it is ready as JSON', false).action(async () => void (await import('../workers/gpu/main.ts')));

  program
    .command('window')
    .description('a miner\'s training window')
    .command('start')
    .description('train, upload and commit')
    .option('--hotkey <hotkey>', 'hotkey or name of a miner of this machine; default: the first')
    .option('--steps <n>', 'training steps; default: the competition\'s', whole(1, 1_000_000))
    .option('--no-wait', 'do not wait for the outcome')
    .option('--json', 'print JSON', false)
    .action(async (options: { hotkey?: string; steps?: number; wait: boolean; json: boolean }) => {
      const { startWindow } = await import('./commands/workflows.ts');
      await startWindow(options, env);
    });

  program
    .command('round')
    .description('a validator\'s round')
    .command('start')
    .description('evaluate the current epoch, merge, set weights')
    .option('--hotkey <hotkey>', 'hotkey or name of a validator of this machine; default: the first')
    .option('--dry-run', 'write nothing to the chain', false)
    .option('--no-wait', 'do not wait for the outcome')
    .option('--json', 'print JSON', false)
    .action(async (options: { hotkey?: string; dryRun: boolean; wait: boolean; json: boolean }) => {
      const { startRound } = await import('./commands/workflows.ts');
      await startRound(options, env);
    });

  program
    .command('leaderboard')
    .description('the newest report that the validators stand for')
    .option('--json', 'print JSON', false)
    .action(async (options: { json: boolean }) => {
      const { showLeaderboard } = await import('./commands/leaderboard.ts');
      await showLeaderboard(options, env);
    });

  program
    .command('generate')
    .description('make music with the current Dama, or with the shipped one when no network is up')
    .argument('<prompt>', 'what it should sound like, in the model\'s words, such as "swing steady"')
    .requiredOption('-o, --output <file>', 'WAV file to write; .mp3 and .ogg where ffmpeg is found')
    .option('--seed <text>', 'the same seed gives the same music', '1')
    .option('--temperature <t>', 'lower is safer', Number, 1)
    .option('--guidance <g>', 'more than 1 follows the text more closely', Number, 1)
    .option('--dama <folder>', 'folder of a Dama {config.json, model.safetensors}')
    .option('--json', 'print JSON', false)
    .action(async (prompt: string, options: { output: string; seed: string; temperature: number; guidance: number; dama?: string; json: boolean }) => {
      const { generate } = await import('./commands/generate.ts');
      await generate({ ...options, prompt }, env);
    });

  program
    .command('doctor')
    .description('what is found on this machine, what is missing, and what to do')
    .option('--json', 'print JSON', false)
    .action(async (options: { json: boolean }) => {
      const { doctor } = await import('./commands/doctor.ts');
      await doctor(options, env);
    });

  program
    .command('temporal')
    .description('the temporal command that this network runs on, pointed at it')
    .argument('<arguments...>', 'such as: workflow list')
    .helpOption(false)
    .passThroughOptions()
    .allowUnknownOption()
    .action(async (args: string[]) => {
      const { temporal } = await import('./commands/temporal.ts');
      await temporal(args, env);
    });
  return program;
}
