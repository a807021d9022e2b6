import { existsSync } from 'node:fs';
import { basename, resolve } from 'node:path';
import { InvalidInput } from '../../genki/errors.ts';
import { openModel } from '../../genki/music/open-model.ts';
import { deploymentFile, readDeployment } from '../../workers/deployment.ts';
import type { Competition } from '../../genki/protocol/competition.ts';
import { EXCHANGES } from '../embedded/exchanges.ts';
import { competitionFor } from '../embedded/model-competition.ts';
import { EmbeddedNetwork, type NetworkOptions } from '../embedded/network.ts';
import type { ProvisionOptions } from '../embedded/provision.ts';
import { checkPaidUse } from '../hub/licence.ts';
import { licenceOf } from '../hub/source.ts';
import { stopSignal } from '../stop-signal.ts';

export type UpOptions = Pick<NetworkOptions, 'home' | 'env' | 'blockMs' | 'anyPorts'> & {
  /** What a new home's miners hand in. */
  readonly exchange: Competition['exchange'];
  /** Folder of the model that a new home's miners train. */
  readonly model?: string;
  readonly acceptLicence?: string;
  readonly json: boolean;
};

/** `genki up`: a network that runs until somebody stops it. */
export async function up({ home, env, blockMs, anyPorts, exchange, model, acceptLicence, json }: UpOptions): Promise<void> {
  if (exchange !== 'adapter') await checkExchange(home, { exchange, model });
  const brought = model === undefined ? { competition: EXCHANGES[exchange] } : await bring(model, { home, acceptLicence });
  const signal = stopSignal();
  const network = await EmbeddedNetwork.start({ home, env, blockMs, ...brought, say: (line) => process.stderr.write(`${line}\n`), ...(anyPorts && { anyPorts }) });
  try {
    const { temporal, ui, chain } = network.addresses;
    if (json) process.stdout.write(`${JSON.stringify({ home, ...network.addresses })}\n`);
    else process.stdout.write(`Temporal  ${temporal}\n${ui === undefined ? '' : `Web UI    ${ui}\n`}chain     ${chain}\nkept in   ${home}\nCtrl-C stops it.\n`);
    if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
  } finally {
    await network.stop();
  }
}

/** @throws {InvalidInput} when the home was made with another one, or for a model of somebody's own, whose competition is one of adapters */
async function checkExchange(home: string, { exchange, model }: { exchange: Competition['exchange']; model: string | undefined }): Promise<void> {
  if (model !== undefined) throw new InvalidInput(`Expected the exchange adapter with --model, got ${exchange}`);
  const known = existsSync(deploymentFile(home)) ? (await readDeployment(home)).competition.exchange : exchange;
  if (known !== exchange) throw new InvalidInput(`Expected a home for the exchange ${exchange}, ${home} was made for ${known}: name another one by GENKI_HOME`);
}

/** @throws {InvalidInput} when there is no model, its licence forbids pay, or the home was made with another one */
async function bring(folder: string, { home, acceptLicence }: { home: string; acceptLicence: string | undefined }): Promise<Pick<ProvisionOptions, 'competition' | 'dama'>> {
  const name = basename(resolve(folder)).replaceAll(/[^\w.-]/g, '-');
  checkPaidUse({ model: name, licence: await licenceOf(folder) }, acceptLicence);
  const opened = await openModel(folder);
  try {
    const known = existsSync(deploymentFile(home)) ? (await readDeployment(home)).genesisDama.digest : undefined;
    const digest = await opened.digest();
    if (known !== undefined && known !== digest) throw new InvalidInput(`Expected a home for the model ${digest}, ${home} was made for ${known}: name another one by GENKI_HOME`);
    return { competition: competitionFor(name, opened.music), dama: folder };
  } finally {
    await opened.close();
  }
}
