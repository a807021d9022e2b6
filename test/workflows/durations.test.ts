import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { msToNumber, type Duration } from '@temporalio/common/lib/time.js';
import { describe, expect, it } from 'vitest';

const folder = fileURLToPath(new URL('../../workflows/', import.meta.url));
const settings = readdirSync(folder).flatMap((file) => [...readFileSync(`${folder}${file}`, 'utf8').matchAll(/\b\w+(?:Timeout|Interval): '([^']+)'/g)].map(([setting, duration]) => [file, setting, duration!] as const));

describe('durations, which no compiler looks at', () => {
  it('are found', () => expect(settings.length).toBeGreaterThan(10));

  it.each(settings)('%s: %s', (_file, _setting, duration) => {
    expect(msToNumber(duration as Duration)).toBeGreaterThan(0);
  });
});
