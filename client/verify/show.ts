import { agrees, type Check } from '../../genki/evaluation/verify-report.ts';
import { bold, table } from '../first-light/screen.ts';
import type { Found } from './find-report.ts';

const MAX_SHOWN = 50;

/** What was checked of a report, and what differs, for a person. */
export function verificationLines({ name, report, hotkey, stands }: Found, checks: readonly Check[]): string[] {
  const differences = checks.flatMap((check) => check.differences);
  const whose = hotkey === undefined ? '' : `, ${stands ? 'which' : 'of'} ${hotkey}${stands ? ' stands for' : ''}`;
  return [
    `${bold(name)}: epoch ${report.epoch}, snapshot block ${report.snapshot.number}, ${report.miners.length} miners${whose}`,
    '',
    ...table(['checked', 'values', 'differ', ''], checks.map(({ what, compared, differences: found, note }) => [what, String(compared), String(found.length), note ?? ''])),
    ...(differences.length === 0 ? [] : ['', ...differences.slice(0, MAX_SHOWN), ...(differences.length > MAX_SHOWN ? [`and ${differences.length - MAX_SHOWN} more`] : [])]),
    '',
    agrees(checks) ? 'Everything that was checked agrees.' : `${differences.length} values DIFFER.`,
  ];
}
