import { EmbeddedNetwork, type NetworkOptions } from '../embedded/network.ts';
import { stopSignal } from '../stop-signal.ts';

/** `genki up`: a network that runs until somebody stops it. */
export async function up({ home, env, blockMs, anyPorts, json }: Pick<NetworkOptions, 'home' | 'env' | 'blockMs' | 'anyPorts'> & { readonly json: boolean }): Promise<void> {
  const signal = stopSignal();
  const network = await EmbeddedNetwork.start({ home, env, blockMs, say: (line) => process.stderr.write(`${line}\n`), ...(anyPorts && { anyPorts }) });
  try {
    const { temporal, ui, chain } = network.addresses;
    if (json) process.stdout.write(`${JSON.stringify({ home, ...network.addresses })}\n`);
    else process.stdout.write(`Temporal  ${temporal}\n${ui === undefined ? '' : `Web UI    ${ui}\n`}chain     ${chain}\nkept in   ${home}\nCtrl-C stops it.\n`);
    if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
  } finally {
    await network.stop();
  }
}
