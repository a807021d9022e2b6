import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readdir, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { InvalidInput } from '../../genki/errors.ts';
import { draftName, sweepDrafts } from '../../genki/store/drafts.ts';
import { codeOf } from '../../genki/store/system-errors.ts';
import { onPath } from '../embedded/find-tool.ts';
import type { Recipe } from './recipe.ts';

const run = promisify(execFile);

export type BuildOptions = {
  /** Where all native builds lie, `<folder>/<recipe.name>`. */
  readonly folder: string;
  readonly env: NodeJS.ProcessEnv;
  /** Told before each slow step. */
  readonly say: (line: string) => void;
};

const NEEDED = ['python3', 'make', 'g++', 'npm'] as const;
const PLATFORMS = ['manylinux2014_x86_64', 'manylinux_2_17_x86_64', 'manylinux_2_27_x86_64'];
/** A wheel's tag of Python says nothing of the C library in it: any that there is will do. */
const PYTHON = '3.11';
const MAX_OUTPUT = 64 * 2 ** 20;

/**
 * Builds a native TensorFlow.js outside this project's `node_modules`, where an install would undo it: the package's own
 * sources against the library in a Python wheel, so that no archive is fetched but from the npm and Python registries.
 * Appears whole or not at all; one that is there is left as it is.
 *
 * @returns its folder
 * @throws {InvalidInput} on a machine that no wheel is for, or without a tool that it needs, naming it; or when a step fails, with what it said
 */
export async function buildNative(recipe: Recipe, { folder, env, say }: BuildOptions): Promise<string> {
  const target = join(folder, recipe.name);
  if (existsSync(target)) return target;
  if (process.platform !== 'linux' || process.arch !== 'x64') throw new InvalidInput(`Expected Linux on x64, which the wheel ${recipe.wheel} is for, got ${process.platform} ${process.arch}`);
  for (const tool of NEEDED) if ((await onPath(tool, env)) === undefined) throw new InvalidInput(`Expected ${NEEDED.join(', ')} on the PATH to build with, got no ${tool}`);
  const drafts = join(folder, '.building');
  const work = join(drafts, draftName());
  await mkdir(work, { recursive: true }).catch((cause: unknown) => {
    throw new InvalidInput(`Expected a folder to build in, got ${codeOf(cause)} of ${folder}`, { cause });
  });
  sweepDrafts(drafts); // gigabytes of a build that was killed
  try {
    await build(recipe, { work, env, say });
    await rename(work, target).catch((error: unknown) => {
      if (!existsSync(target)) throw error; // somebody else was faster
    });
    return target;
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

type Building = { readonly work: string; readonly env: NodeJS.ProcessEnv; readonly say: (line: string) => void };

async function build(recipe: Recipe, { work, env, say }: Building): Promise<void> {
  const module = join(work, 'node_modules', ...recipe.package.split('/'));
  await writeFile(join(work, 'package.json'), `${JSON.stringify({ private: true, dependencies: { [recipe.package]: recipe.version } })}\n`);
  say(`${recipe.package} ${recipe.version}: its sources, by npm`);
  await step('npm install', ['npm', 'install', '--ignore-scripts', '--no-audit', '--no-fund'], { cwd: work, env });
  say(`${recipe.wheel}: the library, by pip (some hundred megabytes)`);
  const wheels = join(work, 'wheels');
  await fetchWheels([recipe.wheel], wheels, env);
  const unpacked = join(work, 'unpacked');
  const required = await unpack(wheels, unpacked, env);
  await placeLibrary(join(unpacked, 'tensorflow'), join(module, 'deps'));
  if (recipe.hasCuda) {
    say(`${required.length} libraries of NVIDIA's, by pip (some gigabytes)`);
    await rm(wheels, { recursive: true });
    await fetchWheels(required, wheels, env);
    await unpack(wheels, unpacked, env);
    // where the library looks for them: beside its own folder
    await rename(join(unpacked, 'nvidia'), join(module, 'deps', 'nvidia'));
  }
  say('building the binding');
  await step('node-pre-gyp', ['npx', 'node-pre-gyp', 'install', '--build-from-source'], { cwd: module, env: { ...env, ...headersOf(env) } });
  for (const left of [wheels, unpacked, join(module, 'build-tmp-napi-v8')]) await rm(left, { recursive: true, force: true });
  say('trying it');
  await step('a first product', [process.execPath, '-e', trial(recipe)], { cwd: work, env: { ...env, TF_CPP_MIN_LOG_LEVEL: '2' } });
}

/** A product of matrices through the binding. */
const trial = ({ package: name }: Recipe): string =>
  `const tf = require(${JSON.stringify(name)}); if (tf.matMul(tf.ones([2, 3]), tf.ones([3, 2])).arraySync()[0][0] !== 3) process.exit(1);`;

const fetchWheels = (names: readonly string[], folder: string, env: NodeJS.ProcessEnv): Promise<unknown> =>
  step('pip download', ['python3', '-m', 'pip', 'download', '--quiet', '--no-deps', '--only-binary=:all:', '--python-version', PYTHON, ...PLATFORMS.flatMap((platform) => ['--platform', platform]), '--dest', folder, ...names], { env });

/** Unpacks what a binding needs of wheels, and says what CUDA libraries they require. */
const UNPACK = `
import sys, zipfile, pathlib, re
wheels, to = map(pathlib.Path, sys.argv[1:])
kept = re.compile(r'(tensorflow/(libtensorflow_(cc|framework)\\.so|include/(tensorflow|tsl|xla)/)|nvidia/)')
for wheel in sorted(wheels.glob('*.whl')):
    with zipfile.ZipFile(wheel) as archive:
        for name in archive.namelist():
            if kept.match(name): archive.extract(name, to)
            if name.endswith('.dist-info/METADATA'):
                for line in archive.read(name).decode().splitlines():
                    found = re.match(r"Requires-Dist: (nvidia-[\\w-]+) ?\\(?==([\\w.]+)\\)? ?; ?extra == ['\\"]and-cuda['\\"]", line)
                    if found: print(found[1] + '==' + found[2])
`;

async function unpack(wheels: string, to: string, env: NodeJS.ProcessEnv): Promise<string[]> {
  const { stdout } = await step('unpacking', ['python3', '-c', UNPACK, wheels, to], { env });
  return stdout.split('\n').filter(Boolean);
}

/** As the package's build file looks for it: `deps/lib/libtensorflow.so` and `deps/include`. */
async function placeLibrary(from: string, deps: string): Promise<void> {
  await rm(deps, { recursive: true, force: true });
  await mkdir(join(deps, 'lib'), { recursive: true });
  const libraries = (await readdir(from)).filter((name) => name.includes('.so'));
  for (const name of libraries) await rename(join(from, name), join(deps, 'lib', name));
  await rename(join(from, 'include'), join(deps, 'include'));
  for (const [name, of] of [['libtensorflow.so', 'libtensorflow_cc.so.2'], ['libtensorflow_framework.so', 'libtensorflow_framework.so.2']] as const) {
    if (!existsSync(join(deps, 'lib', of))) throw new InvalidInput(`Expected ${of} in the wheel, got ${libraries.join(', ')}`);
    await symlink(of, join(deps, 'lib', name));
  }
}

/** Node's headers lie beside an unpacked Node; without them the build fetches them. */
function headersOf(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const prefix = dirname(dirname(process.execPath));
  return env.npm_config_nodedir === undefined && existsSync(join(prefix, 'include', 'node', 'node.h')) ? { npm_config_nodedir: prefix } : {};
}

async function step(what: string, [command, ...args]: readonly [string, ...string[]], { cwd, env }: { cwd?: string; env: NodeJS.ProcessEnv }): Promise<{ stdout: string }> {
  try {
    return await run(command, args, { ...(cwd !== undefined && { cwd }), env, maxBuffer: MAX_OUTPUT });
  } catch (cause) {
    const { stderr = '', message } = cause as Error & { stderr?: string };
    const said = stderr.trim().split('\n').slice(-8).join('\n') || message;
    throw new InvalidInput(`Expected ${what} to succeed, it said:\n${said}`, { cause });
  }
}
