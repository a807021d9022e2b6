/** Runs the `genki` command. */
import { createProgram } from './program.ts';

try {
  await createProgram(process.env).parseAsync();
} catch (error) {
  const { name, message } = error instanceof Error ? error : { name: 'Error', message: String(error) };
  process.stderr.write(`${name === 'Error' ? '' : `${name}: `}${message}\n`);
  process.exitCode = 1;
}
