/** `npm run bench`: the figures that the project claims, each beside its peer. */
import { mkdtemp, rm } from 'node:fs/promises';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { BENCHMARKS, benchmarksNamed } from './benchmarks.ts';
import { type Figure, jsonLine, tableLines } from './figure.ts';

const note = (line: string): void => void process.stderr.write(`${line}\n`);

async function main(names: readonly string[], json: boolean): Promise<void> {
  const chosen = benchmarksNamed(names);
  const load = loadavg()[0]!;
  if (load > 0.5) note(`The machine is busy (load ${load.toFixed(1)}): figures are steadier on an idle one.`);
  const figures: Figure[] = [];
  const folder = await mkdtemp(join(tmpdir(), 'genki-bench-'));
  try {
    for (const { run } of chosen) {
      const found = await run({ folder, python: process.env['GENKI_PYTHON'] ?? 'python3', json, note });
      figures.push(...found);
      if (json) for (const figure of found) console.log(jsonLine(figure));
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  if (!json && figures.length > 0) console.log(tableLines(figures).join('\n'));
}

const program = new Command('bench')
  .description('figures of this machine, each beside its peer on the same work; a ratio is ours over the peer\'s')
  .argument('[names...]', 'which ones; all of them where none is named')
  .option('--json', 'one JSON line a figure: {name, unit, ours, peer, peerName, ratio}', false)
  .addHelpText('after', `\nBenchmarks:\n${Object.entries(BENCHMARKS).map(([name, { about }]) => `  ${name.padEnd(22)}${about}`).join('\n')}\n\nPyTorch is looked for in GENKI_PYTHON, by default python3.`)
  .action((names: string[], { json }: { json: boolean }) => main(names, json));

try {
  await program.parseAsync();
} catch (error) {
  note(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
}
