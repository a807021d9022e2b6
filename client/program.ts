import { Command, Option } from 'commander';
import type { Competition } from '../genki/protocol/competition.ts';
import { homeOf } from '../workers/settings.ts';
import { chainCommands } from './chain-commands.ts';
import type { GenerateOptions } from './commands/generate.ts';
import type { Scenario } from './commands/start.ts';
import type { TrainOptions } from './commands/train.ts';
import { keyCommands } from './key-commands.ts';
import { modelCommands } from './model-commands.ts';
import { between, duration, whole } from './option-values.ts';
import { relayCommands } from './relay-commands.ts';

/** A seed that somebody put where none belongs is not repeated. */
const withoutSeeds = (text: string): string => text.replace(/[0-9a-f]{64,}/gi, '…');
const BLOCK_MS = 250;
const DAY_MS = 24 * 60 * 60_000;
/** The `genki` command: every option with its default. */
export function createProgram(env: NodeJS.ProcessEnv): Command {
  const program = new Command('genki').enablePositionalOptions().description('Train open music models together. Every step durable, every contribution measured and paid.').showHelpAfterError().configureOutput({ outputError: (text, write) => write(withoutSeeds(text)) });

  program
    .command('start')
    .description('one epoch of a whole federation on this machine, or several')
    .addOption(new Option('--scenario <name>', 'adapters, merged once an epoch; windows of compressed updates; or one adapter that is passed on').choices(['adapters', 'windows', 'relay']).default('adapters'))
    .option('--rounds <n>', 'epochs, each from the last one\'s Dama', whole(1, 100), 1)
    .option('--resume', 'carry on with the last run', false)
    .option('--keep', 'leave the network running until Ctrl-C', false)
    .option('--json', 'end with one JSON object on stdout', false)
    .option('--block-ms <ms>', 'block time of the local chain', whole(50, 12_000), BLOCK_MS)
    .option('--any-ports', 'take any free ports instead of Temporal\'s 7233 and 8233, and of the hub\'s 8400', false)
    .action(async (options: { scenario: Scenario; rounds: number; resume: boolean; keep: boolean; json: boolean; blockMs: number; anyPorts: boolean }) => {
      const { start } = await import('./commands/start.ts');
      await start({ ...options, home: homeOf(env), env });
    });

  program
    .command('up')
    .description('start the embedded network and leave it running until Ctrl-C')
    .option('--block-ms <ms>', 'block time of the local chain', whole(50, 12_000), BLOCK_MS)
    .option('--any-ports', 'take any free ports instead of Temporal\'s 7233 and 8233, and of the hub\'s 8400', false)
    .addOption(new Option('--exchange <kind>', 'what the miners of a new home hand in').choices(['adapter', 'delta', 'relay']).default('adapter'))
    .option('--model <folder>', 'what the miners of a new home train: a MusicGen or a Dama; default: the shipped ruby-nano')
    .option('--accept-licence <id>', 'of a model that may not be used for pay, if its owner has allowed you to')
    .option('--json', 'print the addresses as JSON', false)
    .action(async (options: { blockMs: number; anyPorts: boolean; exchange: Competition['exchange']; model?: string; acceptLicence?: string; json: boolean }) => {
      const { up } = await import('./commands/up.ts');
      await up({ ...options, home: homeOf(env), env });
    });

  const worker = program.command('worker').description('run a worker of a network that is up');
  worker.command('cpu').description('workflows, chain, storage, scoring').option('--json', 'say that it is ready as JSON', false).action(async () => void (await import('../workers/cpu/main.ts')));
  worker.command('gpu').description('training and generation').option('--json', 'say that it is ready as JSON', false).action(async () => void (await import('../workers/gpu/main.ts')));
  worker.command('hub').description('the door through which miners reach a hub: HTTP').option('--json', 'say that it is ready as JSON', false).action(async () => void (await import('../workers/hub/main.ts')));

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

  const schedule = program.command('schedule').description('what Temporal starts by itself: rounds once an epoch, training windows once a window');
  const scheduled = (name: string, description: string): Command =>
    schedule.command(name).description(description).option('--rounds', 'only the rounds of this machine\'s validators', false).option('--windows', 'only the training windows of its miners', false).option('--json', 'print JSON', false);
  type Which = { rounds: boolean; windows: boolean; json: boolean };
  scheduled('apply', 'make the schedules, or change them to this')
    .addOption(new Option('--every <time>', 'how often to look whether something is due; default: an eighth of an epoch or window, from 1m to 5m').argParser(duration(10_000, DAY_MS)).conflicts('cron'))
    .option('--cron <expression>', 'when to look instead, such as "*/5 * * * *"')
    .option('--jitter <time>', 'up to this much later, at random; default: none', duration(0, DAY_MS))
    .action(async (options: Which & { every?: number; cron?: string; jitter?: number }) => {
      const { apply } = await import('./commands/schedule.ts');
      await apply(options, env);
    });
  schedule
    .command('list')
    .description('the schedules, their last and next times, and what was missed')
    .option('--json', 'print JSON', false)
    .action(async (options: { json: boolean }) => {
      const { list } = await import('./commands/schedule.ts');
      await list(options, env);
    });
  scheduled('pause', 'start nothing until they are resumed')
    .option('--note <text>', 'why', 'paused by genki schedule pause')
    .action(async (options: Which & { note: string }) => {
      const { pause } = await import('./commands/schedule.ts');
      await pause(options, env);
    });
  scheduled('resume', 'carry on after a pause').action(async (options: Which) => {
    const { resume } = await import('./commands/schedule.ts');
    await resume(options, env);
  });
  scheduled('delete', 'start nothing any more; what runs carries on').action(async (options: Which) => {
    const { remove } = await import('./commands/schedule.ts');
    await remove(options, env);
  });

  relayCommands(program, env);

  program
    .command('leaderboard')
    .description('the newest report that the validators stand for')
    .option('--json', 'print JSON', false)
    .action(async (options: { json: boolean }) => {
      const { showLeaderboard } = await import('./commands/leaderboard.ts');
      await showLeaderboard(options, env);
    });

  program
    .command('verify')
    .description('computes a round\'s report again, and says where it differs')
    .argument('[report]', 'file, or bucket/key of the network\'s store; default: the newest one')
    .option('--deep', 'measure the round again, too, from the objects that it measured', false)
    .option('--json', 'print JSON', false)
    .action(async (target: string | undefined, options: { deep: boolean; json: boolean }) => {
      const { verify } = await import('./commands/verify.ts');
      await verify({ ...options, target }, env);
    });

  program
    .command('generate')
    .description('make music with the current Dama, with the shipped one when no network is up, or with a MusicGen')
    .argument('<prompts...>', 'what it should sound like, one piece each; ruby-nano knows words such as "swing steady"')
    .requiredOption('-o, --output <file>', 'WAV file to write; .mp3, .ogg, .flac, .opus and .m4a where ffmpeg is found; of several pieces numbered')
    .option('--seconds <s>', 'how long; beyond what the model plays at once each stretch goes on from the end of the last; default: what it plays at once', between(0.01, 600))
    .option('--seed <text>', 'the same seed gives the same music', '1')
    .option('--temperature <t>', 'lower is safer', between(0, 4), 1)
    .option('--guidance <g>', 'more than 1 follows the text more closely; default: 3 for a MusicGen, 1 for ruby-nano', between(1, 20))
    .option('--top-k <n>', 'draw from the so many likeliest codes; default: 250 for a MusicGen, all for ruby-nano', whole(1, 65_536))
    .option('--top-p <p>', 'draw from the likeliest codes that have this probability together', between(0.001, 1))
    .option('--dama <folder>', 'of a Dama or a MusicGen')
    .option('--adapter <folder>', 'played through this adapter, in PEFT\'s format')
    .option('--any-base', 'take an adapter that does not say by digest or name that it is of this model', false)
    .option('--continue <file>', 'sound that every piece begins with')
    .option('--melody <file>', 'sound whose melody every piece follows, with a MusicGen melody')
    .option('--no-normalize', 'leave the loudness as it comes; otherwise it is brought to -16 LUFS')
    .option('--json', 'print JSON', false)
    .action(async (prompts: string[], options: Omit<GenerateOptions, 'prompts'>) => {
      const { generate } = await import('./commands/generate.ts');
      await generate({ ...options, prompts }, env);
    });

  program
    .command('train')
    .description('an adapter of a dataset, on this machine alone; Ctrl-C keeps what is done, and the same command goes on')
    .argument('<dataset>', 'file that genki data import has written')
    .requiredOption('-o, --output <folder>', 'folder that the adapter appears in, in PEFT\'s format, with its loss curve')
    .option('--model <folder>', 'a MusicGen or a Dama; default: the shipped ruby-nano')
    .option('--adapter <folder>', 'an adapter in PEFT\'s format to go on from; it says rank and layers')
    .option('--any-base', 'take that adapter although it does not say by digest that it is of this model', false)
    .option('--steps <n>', 'training steps', whole(1, 1_000_000), 200)
    .option('--batch <n>', 'clips in a step', whole(1, 4096), 4)
    .option('--accumulation <n>', 'parts in which a step\'s clips are gone through: less memory', whole(1, 4096), 1)
    .option('--learning-rate <rate>', 'the highest; it falls along a cosine', between(0, 1), 1e-4)
    .option('--warmup <n>', 'steps in which it rises', whole(0, 1_000_000), 10)
    .option('--guidance-dropout <share>', 'of the clips that learn without their caption', between(0, 1), 0.1)
    .option('--rank <n>', 'of the adapter', whole(1, 1024), 8)
    .option('--alpha <n>', 'its scale times its rank; default: twice the rank', between(0, 1e6))
    .option('--rslora', 'scale by the root of the rank', false)
    .option('--targets <names...>', 'layers that it changes', ['q_proj', 'k_proj', 'v_proj', 'out_proj', 'fc1', 'fc2'])
    .option('--no-checkpointing', 'keep what every layer computes: faster, far more memory')
    .option('--save-every <n>', 'steps between checkpoints', whole(1, 1_000_000), 20)
    .option('--seed <text>', 'the same seed trains the same adapter', '1')
    .option('--json', 'print JSON', false)
    .action(async (dataset: string, options: Omit<TrainOptions, 'dataset'>) => {
      const { train } = await import('./commands/train.ts');
      await train({ ...options, dataset }, env);
    });

  modelCommands(program, env);
  keyCommands(program, env);
  chainCommands(program, env);

  program
    .command('attack-suite')
    .description('what each known attack takes from honest miners, under each policy')
    .option('--policy <names...>', 'only under these; default: all')
    .option('--only <attacks...>', 'only these; default: all')
    .option('--json', 'a line of JSON for each attack and policy', false)
    .action(async (options: { policy?: string[]; only?: string[]; json: boolean }) => {
      const { attackSuite } = await import('./commands/attack-suite.ts');
      await attackSuite(options, env);
    });

  program
    .command('status')
    .description('what is up, what is under way, and what is wrong')
    .option('--json', 'print JSON', false)
    .action(async (options: { json: boolean }) => {
      const { status } = await import('./commands/status.ts');
      await status(options, env);
    });

  program
    .command('logs')
    .description('what the processes of this home have said')
    .argument('[service]', 'one of them alone')
    .option('-f, --follow', 'go on until Ctrl-C', false)
    .option('-n, --lines <n>', 'the newest lines; default: 200, or all with --since', whole(0, 1_000_000))
    .option('--since <when>', 'a time such as 2026-01-31T12:00:00Z, or an age such as 90s, 15m, 2h, 1d')
    .action(async (service: string | undefined, options: { follow: boolean; lines?: number; since?: string }) => {
      const { logs } = await import('./commands/logs.ts');
      await logs(service, options, env);
    });

  program
    .command('native')
    .description('builds a native TensorFlow.js outside this project, from npm\'s sources and a Python wheel')
    .option('--gpu', 'for NVIDIA\'s GPUs: some gigabytes', false)
    .option('--json', 'print JSON', false)
    .action(async (options: { gpu: boolean; json: boolean }) => {
      const { native } = await import('./commands/native.ts');
      await native(options, env);
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
