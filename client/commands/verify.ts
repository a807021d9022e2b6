import { InvalidInput } from '../../genki/errors.ts';
import { agrees, verifyReport, verifyRules, type Check } from '../../genki/evaluation/verify-report.ts';
import type { RoundReport } from '../../genki/evaluation/round-report.ts';
import { verifyWindowsReport } from '../../genki/evaluation/windows-report.ts';
import { stopSignal } from '../stop-signal.ts';
import { findReport, isFoundOfWindows, type Found, type FoundOf } from '../verify/find-report.ts';
import { knownNetwork, type Known } from '../verify/network.ts';
import { verificationLines } from '../verify/show.ts';
import { verifyChain } from '../verify/verify-chain.ts';
import { verifyDeep, type DeepOptions } from '../verify/verify-deep.ts';
import { verifyWindows } from '../verify/verify-windows.ts';

export type VerifyOptions = { /** a file, or bucket/key */ readonly target: string | undefined; readonly deep: boolean; readonly json: boolean };

/** `genki verify`: exits 1 when anything differs. */
export async function verify({ target, deep, json }: VerifyOptions, env: NodeJS.ProcessEnv): Promise<void> {
  const known = await knownNetwork(env);
  if (deep && !known) throw new InvalidInput('Expected a network to measure a round of again, none is known here; name its home by GENKI_HOME');
  try {
    const found = await findReport(target, known);
    const checks = [...(isFoundOfWindows(found) ? verifyWindowsReport(found.report) : verifyReport(found.report)), ...(known ? await againstNetwork(known, found, deep) : [NO_NETWORK])];
    const { report: { epoch, snapshot }, name, sha256, hotkey, stands } = found;
    const answer = { report: { name, sha256, epoch, snapshot, hotkey: hotkey ?? null, stands }, checks, agrees: agrees(checks) };
    process.stdout.write(json ? `${JSON.stringify(answer)}\n` : `${verificationLines(found, checks).join('\n')}\n`);
    if (!answer.agrees) process.exitCode = 1;
  } finally {
    await known?.close();
  }
}

const NO_NETWORK: Check = { what: 'the network', compared: 0, differences: [], note: 'not checked: none is known here' };

async function againstNetwork(known: Known, found: Found, deep: boolean): Promise<Check[]> {
  const line = progressLine(process.stderr);
  const options = { signal: stopSignal(), show: line.show };
  try {
    return isFoundOfWindows(found) ? await verifyWindows(known, found, { deep, ...options }) : await roundAgainst(known, found, deep && options);
  } finally {
    line.end();
  }
}

async function roundAgainst(known: Known, found: FoundOf<RoundReport>, deep: false | Pick<DeepOptions, 'signal' | 'show'>): Promise<Check[]> {
  const rules = verifyRules(found.report, known.deployment.competition, known.deployment.competitionDigest);
  // of another competition nothing else can be said
  if (rules.differences.length > 0) return [rules];
  const checks = await verifyChain(known, found);
  return deep ? [rules, ...checks, ...(await verifyDeep(known, found, { lastScale: found.report.acceptance.lastScale ?? undefined, ...deep }))] : [rules, ...checks];
}

/** A line that is rewritten on a terminal; elsewhere a line for each thing that is begun. */
function progressLine(out: NodeJS.WriteStream): { show: (text: string) => void; end: () => void } {
  let begun = '';
  return {
    show(text) {
      const about = text.split(',')[0]!;
      if (out.isTTY) out.write(`\r\u001b[K${text}`);
      else if (about !== begun) out.write(`${about}\n`);
      begun = about;
    },
    end: () => void (out.isTTY && begun !== '' && out.write('\r\u001b[K')),
  };
}
