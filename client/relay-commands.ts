import { Option, type Command } from 'commander';
import { between, duration, whole } from './option-values.ts';

const DAY_MS = 24 * 60 * 60_000;

/** `genki pretrain` and `genki adapter`, for whoever keeps an adapter that miners pass on. */
export function relayCommands(program: Command, env: NodeJS.ProcessEnv): void {
  const pretrain = program.command('pretrain').description('trains the base of a relayed adapter further, and merges adapters into it');
  const pretraining = (name: string, description: string): Command =>
    pretrain
      .command(name)
      .description(description)
      .option('--run <name>', 'whose schedule of the learning rate goes on; default: base')
      .option('--budget <time>', 'of each call, such as 2h; default: 1h', duration(1000, 31 * DAY_MS))
      .option('--steps <n>', 'of the whole run; default: 10000', whole(1, 10_000_000))
      .option('--learning-rate <rate>', 'its peak; default: 0.0005', between(1e-9, 1))
      .option('--json', 'print JSON', false);
  type Pretraining = { run?: string; budget?: number; steps?: number; learningRate?: number; json: boolean };
  pretraining('start', 'one call, now')
    .option('--no-wait', 'do not wait for the outcome')
    .action(async (options: Pretraining & { wait: boolean }) => {
      const { startPretraining } = await import('./commands/pretrain.ts');
      await startPretraining(options, env);
    });
  pretraining('schedule', 'a call every day or month, by a Temporal Schedule')
    .addOption(new Option('--every <rhythm>', 'at 03:00 UTC').choices(['daily', 'monthly']).default('daily'))
    .option('--cron <expression>', 'when instead, such as "0 */6 * * *"')
    .option('--remove', 'delete the schedule', false)
    .action(async (options: Pretraining & { every: 'daily' | 'monthly'; cron?: string; remove: boolean }) => {
      const { schedulePretraining } = await import('./commands/pretrain.ts');
      await schedulePretraining(options, env);
    });

  pretrain
    .command('list')
    .description('the newest base, how far its run is, and what is done to it')
    .option('--json', 'print JSON', false)
    .action(async (options: { json: boolean }) => {
      const { listBases } = await import('./commands/bases.ts');
      await listBases(options, env);
    });
  pretrain
    .command('history')
    .description('all bases: what made each of the one before, and what both were measured at')
    .option('--json', 'print JSON', false)
    .action(async (options: { json: boolean }) => {
      const { baseHistory } = await import('./commands/bases.ts');
      await baseHistory(options, env);
    });
  pretrain
    .command('rollback')
    .description('make an earlier base the newest one; not while one is trained')
    .option('--to <n>', 'the base, 0 for the one that the competition began with; default: the one before the newest', whole(0, 2 ** 31))
    .option('--json', 'print JSON', false)
    .action(async (options: { to?: number; json: boolean }) => {
      const { rollBack } = await import('./commands/bases.ts');
      await rollBack(options, env);
    });

  const adapter = program.command('adapter').description('the adapter that miners pass on, on the machine of its hub');
  adapter
    .command('list')
    .description('its version, who has the lease, who waits, and what came late')
    .option('--json', 'print JSON', false)
    .action(async (options: { json: boolean }) => {
      const { listAdapters } = await import('./commands/adapter.ts');
      await listAdapters(options, env);
    });
  adapter
    .command('history')
    .description('all its versions: by whom, from which, and what each was measured at')
    .argument('<adapter>')
    .option('--json', 'print JSON', false)
    .action(async (name: string, options: { json: boolean }) => {
      const { adapterHistory } = await import('./commands/adapter.ts');
      await adapterHistory(name, options, env);
    });
  adapter
    .command('rollback')
    .description('make the content of an earlier version the next one')
    .argument('<adapter>')
    .option('--to <n>', 'the version; default: the one before the current one', whole(1, 2 ** 31))
    .option('--json', 'print JSON', false)
    .action(async (name: string, options: { to?: number; json: boolean }) => {
      const { rollBackAdapter } = await import('./commands/adapter.ts');
      await rollBackAdapter(name, options, env);
    });
}
