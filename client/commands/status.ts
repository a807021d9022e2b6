import { statusLines } from '../status/show.ts';
import { surveyStatus } from '../status/survey.ts';

const LINGER_MS = 1000;

/** `genki status`: exits 1 when something is down. */
export async function status({ json }: { json: boolean }, env: NodeJS.ProcessEnv): Promise<void> {
  const found = await surveyStatus(env);
  process.stdout.write(json ? `${JSON.stringify(found)}\n` : `${statusLines(found, Date.now()).join('\n')}\n`);
  if (!found.isUp) process.exitCode = 1;
  // a question that somebody who is down was asked holds nobody
  setTimeout(() => process.exit(), LINGER_MS).unref();
}
