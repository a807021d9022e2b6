import { existsSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { currentDama } from '../../activities/current-dama.ts';
import { openModel, type OpenModel } from '../../genki/music/open-model.ts';
import { homeOf, readSettings } from '../../workers/settings.ts';
import { connect } from '../connect.ts';
import { damaFolder } from '../dama-folder.ts';
import { wasKilled } from '../embedded/one-network.ts';
import { licenceOf } from '../hub/source.ts';
import { SHIPPED_DAMA } from '../shipped-dama.ts';

/** A Dama to make music with: `name` as its music is tagged, `from` as it is told of. */
export type OpenDama = { readonly model: OpenModel; readonly name: string; readonly from: string; readonly licence: string | undefined };

/**
 * The Dama of a folder; by default the current one of the network that is up, or else the shipped one.
 * @throws {InvalidInput} when the folder is no model's
 */
export async function openDama(folder: string | undefined, env: NodeJS.ProcessEnv): Promise<OpenDama> {
  if (folder !== undefined) return { model: await openModel(folder), name: basename(resolve(folder)), from: folder, licence: await licenceOf(folder) };
  if (!existsSync(join(homeOf(env), 'network.json')) || wasKilled(homeOf(env))) return await shipped();
  readSettings(env);
  const connected = await connect(env);
  try {
    const { chain, store, deployment } = connected;
    const metagraph = await chain.metagraph(deployment.competition.netuid, (await chain.head()).hash);
    const { dama } = await currentDama(connected, metagraph);
    const model = await openModel(await damaFolder(store, dama, join(homeOf(env), 'models')));
    return { model, name: deployment.competition.music.model, from: `the current Dama ${dama.digest}`, licence: undefined };
  } finally {
    await connected.close();
  }
}

const shipped = async (): Promise<OpenDama> => ({ model: await openModel(SHIPPED_DAMA), name: basename(SHIPPED_DAMA), from: 'the shipped ruby-nano', licence: undefined });
