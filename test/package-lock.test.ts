import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

type Locked = { readonly version?: string; readonly resolved?: string; readonly optionalDependencies?: Readonly<Record<string, string>> };
const { packages } = JSON.parse(readFileSync(new URL('../package-lock.json', import.meta.url), 'utf8')) as { packages: Readonly<Record<string, Locked>> };

describe('the lock file', () => {
  it('names no host, so that each machine asks its own registry', () => {
    expect(Object.values(packages).filter(({ resolved }) => resolved !== undefined)).toEqual([]);
  });

  it('has every optional package of every platform: npm ci refuses a lock that lacks one', () => {
    const missing = Object.entries(packages).flatMap(([path, { optionalDependencies = {} }]) =>
      Object.keys(optionalDependencies).filter((name) => packages[`${path}${path === '' ? '' : '/'}node_modules/${name}`] === undefined && packages[`node_modules/${name}`] === undefined),
    );
    expect(missing).toEqual([]);
  });
});
