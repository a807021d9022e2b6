import { ExtrinsicRefused, InvalidInput } from '../../../genki/errors.ts';
import type { BlockRef, Call, Landing, Metagraph, SignedExtrinsic, Signer } from '../../../genki/chain/chain.ts';
import type { ConformanceNetwork } from './network.ts';

/** Acts on a chain and waits for what became of it, by the interface alone. */
export class Actor {
  readonly #network: ConformanceNetwork;

  constructor(network: ConformanceNetwork) {
    this.#network = network;
  }

  async send(call: Call, signer: Signer): Promise<SignedExtrinsic> {
    const extrinsic = await this.#network.chain.prepare(call, signer);
    await this.#network.chain.broadcast(extrinsic);
    return extrinsic;
  }

  /** Once it is not pending any more. */
  async settled(extrinsic: SignedExtrinsic): Promise<Exclude<Landing, { kind: 'pending' }>> {
    for (;;) {
      const landing = await this.#network.chain.landing(extrinsic);
      if (landing.kind !== 'pending') return landing;
      await this.#network.waitBlocks(1);
    }
  }

  /** The final block that took it. */
  async landed(call: Call, signer: Signer): Promise<BlockRef> {
    const landing = await this.settled(await this.send(call, signer));
    if (landing.kind !== 'included') throw new Error(`Expected ${call.kind} to succeed, got ${JSON.stringify(landing)}`);
    return landing.block;
  }

  /** `included`, or the name of the error, whether the pool or a block refused it; `InvalidInput` where the client would not even sign it. */
  async outcome(call: Call, signer: Signer): Promise<string> {
    const sent = await this.send(call, signer).catch(codeOf);
    if (typeof sent === 'string') return sent;
    const landing = await this.settled(sent);
    return landing.kind === 'failed' ? landing.code : landing.kind;
  }

  /** The subnet at the newest final block. */
  async subnet(): Promise<Metagraph> {
    const { chain, netuid } = this.#network;
    return chain.metagraph(netuid, (await chain.head()).hash);
  }

  /** Once the head is at that block or beyond. */
  async final(block: number): Promise<BlockRef> {
    for (;;) {
      const head = await this.#network.chain.head();
      if (head.number >= block) return head;
      await this.#network.waitBlocks(Math.max(1, block - head.number));
    }
  }

  /** Once that epoch has begun for good. */
  async epoch(epoch: number): Promise<Metagraph> {
    for (;;) {
      const subnet = await this.subnet();
      if (subnet.epoch >= epoch) return subnet;
      await this.#network.waitBlocks(1);
    }
  }
}

function codeOf(error: unknown): string {
  if (error instanceof ExtrinsicRefused) return error.code;
  if (error instanceof InvalidInput) return error.name;
  throw error;
}
