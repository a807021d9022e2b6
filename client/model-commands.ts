import { Option, type Command } from 'commander';
import { between, whole } from './option-values.ts';

/** `genki data` and `genki model`, for what is learnt from and what comes of it. */
export function modelCommands(program: Command, env: NodeJS.ProcessEnv): void {
  const data = program.command('data').description('music to learn from');
  data
    .command('import')
    .description('music to a miner\'s dataset, or to a dataset file')
    .argument('<files...>', 'MIDI files, recordings and videos, and folders of them; beside song.mp3 may lie song.json (caption, style, or audiocraft\'s labels) or song.txt (its caption)')
    .requiredOption('--name <name>', 'of the dataset; public')
    .addOption(new Option('--miner, --hotkey <hotkey>', 'hotkey or name of a miner of this machine, who trains on it from the next window on'))
    .option('-o, --output <file>', 'dataset file to write instead')
    .option('--model <folder>', 'music model whose codes recordings become; default: the miner\'s competition\'s, or the sound chip\'s')
    .option('--seconds <s>', 'of a segment of a recording; default: as long as the model plays at once', between(0.01, 600))
    .option('--licence <spdx>', 'such as CC0-1.0; default: LicenseRef-private')
    .addOption(new Option('--private', 'nobody else is to have it; this is what it is unless --shared is said').conflicts('shared').default(false))
    .option('--shared', 'others may have it, under its licence', false)
    .option('--clips-per-file <n>', 'of one file at most; of more, some are drawn', whole(1, 1_000_000), 64)
    .option('--seed <text>', 'the same seed draws the same clips', '1')
    .option('--skip-bad', 'do not exit with 1 when files cannot be imported', false)
    .option('--json', 'print JSON', false)
    .action(async (paths: string[], options: { name: string; hotkey?: string; output?: string; model?: string; seconds?: number; licence?: string; shared: boolean; clipsPerFile: number; seed: string; skipBad: boolean; json: boolean }) => {
      const { importData } = await import('./commands/data-import.ts');
      const { damaOf } = await import('./data/dama-of.ts');
      await importData({ ...options, paths }, env, { damaOf: (deployment) => damaOf(deployment, env) });
    });
  data
    .command('inspect')
    .description('what a MIDI file or a dataset holds, what an import would leave out, and how it sounds')
    .argument('<file>', 'MIDI file or dataset')
    .option('-o, --output <file>', 'WAV file to write: the named clip, or else a MIDI file\'s whole music or a dataset\'s first clip')
    .option('--clip <n>', 'the clip to show; default: the first', whole(1, 2 ** 20))
    .option('--model <folder>', 'music model that plays a dataset of recordings')
    .option('--json', 'print JSON', false)
    .action(async (file: string, options: { output?: string; clip?: number; model?: string; json: boolean }) => {
      const { inspectData } = await import('./commands/data-inspect.ts');
      await inspectData({ ...options, file }, env);
    });

  const model = program.command('model').description('models and adapters, and the hub that they come from');
  model
    .command('pull')
    .description('a model or an adapter from Hugging Face: safetensors only, every file by one commit, its digest checked')
    .argument('<repository>', 'owner/name@commit; without a commit, the one that its main branch is at')
    .option('-o, --output <folder>', 'folder that is not there yet; default: the model\'s name')
    .option('--max-gb <n>', 'of all files together', between(0.001, 1000), 30)
    .option('--json', 'print JSON', false)
    .action(async (repository: string, options: { output?: string; maxGb: number; json: boolean }) => {
      const { pullModel } = await import('./commands/model.ts');
      await pullModel({ ...options, repository }, env);
    });
  model
    .command('inspect')
    .description('what a model\'s folder holds: sizes, digest, licence, and what of it is not used')
    .argument('<folder>')
    .option('--json', 'print JSON', false)
    .action(async (folder: string, options: { json: boolean }) => {
      const { inspectModel } = await import('./commands/model-files.ts');
      await inspectModel({ ...options, folder });
    });
  model
    .command('merge')
    .description('a model with an adapter merged into its weights, as a folder of its own')
    .argument('<folder>', 'of the model')
    .requiredOption('--adapter <folder>', 'in PEFT\'s format')
    .requiredOption('-o, --output <folder>', 'folder that is not there yet')
    .option('--any-base', 'take an adapter that does not say by digest or name that it is of this model', false)
    .option('--keep-dtype', 'store the weights that change as the model has them; default: in 32 bits', false)
    .option('--json', 'print JSON', false)
    .action(async (folder: string, options: { adapter: string; output: string; anyBase: boolean; keepDtype: boolean; json: boolean }) => {
      const { mergeModel } = await import('./commands/model-files.ts');
      await mergeModel({ ...options, folder });
    });
  model
    .command('push')
    .description('a model\'s or an adapter\'s folder to Hugging Face, as one commit; HF_TOKEN has to allow it')
    .argument('<repository>', 'owner/name; made, and private, where there is none')
    .argument('<folder>')
    .option('--branch <name>', 'branch to commit to', 'main')
    .option('--message <text>', 'of the commit', 'Upload by Genki-Dama')
    .option('--licence <spdx>', 'such as cc0-1.0, where the folder has no README.md that says one')
    .option('--public', 'make a repository that is not there yet visible to all', false)
    .option('--json', 'print JSON', false)
    .action(async (repository: string, folder: string, options: { branch: string; message: string; licence?: string; public: boolean; json: boolean }) => {
      const { pushModel } = await import('./commands/model.ts');
      await pushModel({ ...options, repository, folder }, env);
    });
}
