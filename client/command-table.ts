import type { Command } from 'commander';

/** Every command with its options and their defaults, as a Markdown table for the README. */
export function commandTable(program: Command): string {
  const rows = leaves(program, 'genki').flatMap(({ path, command }) => {
    const options = command.options.map(({ flags, description, defaultValue }) => `\`${flags}\` ${description}${worthSaying(defaultValue) ? ` (default ${String(defaultValue)})` : ''}`);
    return `| \`${path}\` | ${command.description()} | ${options.join('<br>').replaceAll('|', '\\|')} |`;
  });
  return ['| command | does | options |', '|---|---|---|', ...rows].join('\n');
}

const worthSaying = (value: unknown): boolean => value !== undefined && typeof value !== 'boolean';

function leaves(command: Command, path: string): { path: string; command: Command }[] {
  if (command.commands.length > 0) return command.commands.flatMap((child) => leaves(child, `${path} ${child.name()}`));
  const args = command.registeredArguments.map((argument) => {
    const name = `${argument.name()}${argument.variadic ? '...' : ''}`;
    return argument.required ? `<${name}>` : `[${name}]`;
  });
  return [{ path: [path, ...args].join(' '), command }];
}
