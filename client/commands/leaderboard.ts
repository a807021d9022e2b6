import { newestReport } from '../../activities/current-dama.ts';
import { leaderboard } from '../../genki/evaluation/round-report.ts';
import { connect } from '../connect.ts';
import { leaderboardTable, namesOf } from '../first-light/result.ts';

export async function showLeaderboard({ json }: { json: boolean }, env: NodeJS.ProcessEnv): Promise<void> {
  const connected = await connect(env);
  try {
    const { chain, deployment, participants } = connected;
    const metagraph = await chain.metagraph(deployment.competition.netuid, (await chain.head()).hash);
    const report = await newestReport(connected, metagraph);
    if (!report) throw new Error('No validator has committed a report yet; start a round with: npm run genki -- round start');
    const names = namesOf(participants);
    if (json) process.stdout.write(`${JSON.stringify({ epoch: report.epoch, miners: leaderboard(report.miners).map((row) => ({ name: names(row.hotkey), ...row })) })}\n`);
    else process.stdout.write(`Epoch ${report.epoch}, snapshot block ${report.snapshot.number}\n${leaderboardTable(report, names).join('\n')}\n`);
  } finally {
    await connected.close();
  }
}
