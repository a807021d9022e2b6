/** What a node does wrong, now and then or always, to what it sends. */
export type Fault =
  /** Never answers. */
  | { readonly kind: 'hang' }
  | { readonly kind: 'delay'; readonly ms: number }
  /** Keeps it back until so many came, and sends them the other way round. */
  | { readonly kind: 'reorder'; readonly count: number }
  | { readonly kind: 'duplicate' }
  /** Something that is no JSON comes before it. */
  | { readonly kind: 'garbage' }
  /** Cut off before it is sent; what was asked for has been done. */
  | { readonly kind: 'drop' }
  | { readonly kind: 'error'; readonly code: number; readonly message: string };

export type FaultScope = {
  /** JSON-RPC methods, notifications by theirs (`chain_finalizedHead`); all unless told. */
  readonly methods?: RegExp;
  /** How often; always unless told. */
  readonly times?: number;
};

type Active = { readonly fault: Fault; readonly methods: RegExp; left: number };

/** A message on its way out, and the line it goes by. */
export type Outgoing = { readonly method: string; readonly message: object; readonly send: (text: string) => void; readonly cut: () => void };

const GARBAGE = '{"jsonrpc":"2.0","id":1,"result":';

/** The faults of one node; the last one set that fits a message is the one it gets. */
export class Faults {
  #active: Active[] = [];
  #held: { readonly count: number; readonly messages: (() => void)[] } | undefined;

  set(fault: Fault, { methods = /./, times = Number.POSITIVE_INFINITY }: FaultScope = {}): void {
    this.#active.push({ fault, methods, left: times });
  }

  /** All is well again; what was kept back goes out. */
  clear(): void {
    this.#active = [];
    this.#release();
  }

  pass({ method, message, send, cut }: Outgoing): void {
    const text = JSON.stringify(message);
    const fault = this.#next(method);
    switch (fault?.kind) {
      case undefined:
        return send(text);
      case 'hang':
        return;
      case 'delay':
        return void setTimeout(() => send(text), fault.ms).unref();
      case 'reorder':
        return this.#hold(fault.count, () => send(text));
      case 'duplicate':
        send(text);
        return send(text);
      case 'garbage':
        send(GARBAGE);
        return send(text);
      case 'drop':
        return cut();
      case 'error':
        return send(JSON.stringify('id' in message ? { jsonrpc: '2.0', id: message.id, error: { code: fault.code, message: fault.message } } : message));
    }
  }

  #next(method: string): Fault | undefined {
    const active = this.#active.findLast(({ methods, left }) => left > 0 && methods.test(method));
    if (active) active.left--;
    return active?.fault;
  }

  #hold(count: number, send: () => void): void {
    this.#held ??= { count, messages: [] };
    this.#held.messages.push(send);
    if (this.#held.messages.length >= this.#held.count) this.#release();
  }

  #release(): void {
    const held = this.#held;
    this.#held = undefined;
    for (const send of held?.messages.reverse() ?? []) send();
  }
}
