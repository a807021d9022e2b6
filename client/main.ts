/** Runs the `genki` command. */
import { createProgram } from './program.ts';

try {
  await createProgram(process.env).parseAsync();
} catch (error) {
  const { name, message } = error instanceof Error ? error : { name: 'Error', message: String(error) };
  // a worker that could not begin has handles of Temporal's runtime that would keep it alive
  process.stderr.write(`${name === 'Error' ? '' : `${name}: `}${message}\n`, () => process.exit(1));
}
