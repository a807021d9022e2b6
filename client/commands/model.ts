import { InvalidInput } from '../../genki/errors.ts';
import { hubOf } from '../hub/hub.ts';
import { isNonCommercial } from '../hub/licence.ts';
import { pull } from '../hub/pull.ts';
import { push } from '../hub/push.ts';
import { parseRepository } from '../hub/repository.ts';
import { Progress } from '../progress.ts';

const GIGABYTE = 1e9;

export type PullCommand = { readonly repository: string; readonly output?: string; readonly maxGb: number; readonly json: boolean };
export type PushCommand = { readonly repository: string; readonly folder: string; readonly branch: string; readonly message: string; readonly licence?: string; readonly public: boolean; readonly json: boolean };

/** `genki model pull`: a model or adapter from the hub, by one commit. */
export async function pullModel({ repository, output, maxGb, json }: PullCommand, env: NodeJS.ProcessEnv): Promise<void> {
  const wanted = parseRepository(repository);
  const folder = output ?? wanted.name.slice(wanted.name.indexOf('/') + 1);
  const progress = new Progress(json);
  const { source, isNew } = await pull(hubOf(env), wanted, {
    folder,
    maxBytes: maxGb * GIGABYTE,
    onProgress: ({ file, done, total }) => progress.show(`${file}: ${(done / GIGABYTE).toFixed(2)} of ${(total / GIGABYTE).toFixed(2)} GB`),
  });
  progress.done();
  const { licence = 'none that its card names', revision } = source;
  const note = isNonCommercial(licence) ? '; what earns with it, such as taking part in a network, is refused unless you say otherwise' : '';
  process.stdout.write(json ? `${JSON.stringify({ folder, isNew, ...source })}\n` : `${wanted.name}@${revision} ${isNew ? 'is' : 'was already'} in ${folder}\nlicence: ${licence}${note}\n`);
}

/** `genki model push`: a model's or adapter's folder to the hub, as one commit. */
export async function pushModel({ repository, folder, json, public: isPublic, ...options }: PushCommand, env: NodeJS.ProcessEnv): Promise<void> {
  const { name, revision } = parseRepository(repository);
  if (revision !== undefined) throw new InvalidInput('Expected a repository owner/name to push to, got one with a revision; --branch names a branch');
  const { commit, files } = await push(hubOf(env), name, { ...options, folder, isPublic });
  process.stdout.write(json ? `${JSON.stringify({ repository: name, commit, files })}\n` : `${files.join(', ')} pushed to ${name}, commit ${commit}\n`);
}
