import { InvalidInput } from '../../genki/errors.ts';
import { agrees, verifyReport, verifyRules, type Check } from '../../genki/evaluation/verify-report.ts';
import { stopSignal } from '../stop-signal.ts';
import { findReport, type Found } from '../verify/find-report.ts';
import { knownNetwork, type Known } from '../verify/network.ts';
import { verificationLines } from '../verify/show.ts';
import { verifyChain } from '../verify/verify-chain.ts';
import { verifyDeep } from '../verify/verify-deep.ts';

export type VerifyOptions = { /** a file, or bucket/key */ readonly target: string | undefined; readonly deep: boolean; readonly json: boolean };

/** `genki verify`: exits 1 when anything differs. */
export async function verify({ target, deep, json }: VerifyOptions, env: NodeJS.ProcessEnv): Promise<void> {
  const known = await knownNetwork(env);
  if (deep && !known) throw new InvalidInput('Expected a network to measure a round of again, none is known here; name its home by GENKI_HOME');
  try {
    const found = await findReport(target, known);
    const checks = [...verifyReport(found.report), ...(known ? await againstNetwork(known, found, deep) : [NO_NETWORK])];
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
  const rules = verifyRules(found.report, known.deployment.competition, known.deployment.competitionDigest);
  // of another competition nothing else can be said
  if (rules.differences.length > 0) return [rules];
  const checks = await verifyChain(known, found);
  if (!deep) return [rules, ...checks];
  const line = progressLine(process.stderr);
  try {
    return [rules, ...checks, ...(await verifyDeep(known, found, { lastScale: found.report.acceptance.lastScale ?? undefined, signal: stopSignal(), show: line.show }))];
  } finally {
    line.end();
  }
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
