import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';

type Answer = { readonly jsonrpc: '2.0'; readonly id: number; readonly result?: unknown; readonly error?: unknown };
type Ask = () => Promise<Answer>;

/** What such a node makes of a question: it may ask the real node, now or not at all, and change what it hears. */
export type Doubt = (method: string, params: Readonly<Record<string, unknown>>, ask: Ask) => Promise<unknown>;

/** A node between a wallet and the real one that does not always say what is so. */
export class DoubtfulNode {
  readonly url: string;
  readonly #close: () => Promise<void>;
  /** Honest until told otherwise. */
  doubt: Doubt = (_method, _params, ask) => ask();

  private constructor(url: string, close: () => Promise<void>) {
    this.url = url;
    this.#close = close;
  }

  static async start(real: string): Promise<DoubtfulNode> {
    const server = createServer((request, response) => {
      void (async () => {
        const text = await bodyOf(request);
        const { id, method, params } = JSON.parse(text) as { id: number; method: string; params: Record<string, unknown> };
        const ask: Ask = async () => (await (await fetch(real, { method: 'POST', headers: { 'content-type': 'application/json' }, body: text })).json()) as Answer;
        const answer = await node.doubt(method, params, ask);
        response.setHeader('content-type', 'application/json');
        response.end(JSON.stringify(isAnswer(answer) ? answer : { jsonrpc: '2.0', id, result: answer }));
      })().catch(() => response.destroy());
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const close = async (): Promise<void> => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    };
    const node = new DoubtfulNode(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, close);
    return node;
  }

  close(): Promise<void> {
    return this.#close();
  }
}

const isAnswer = (answer: unknown): answer is Answer => typeof answer === 'object' && answer !== null && 'jsonrpc' in answer;

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}
