import type { Engine, Tensor } from '../engine/engine.ts';
import type { OnPart } from './backprop.ts';
import type { Feeds } from './feeds.ts';
import type { Stage } from './layerwise-stage.ts';

/** The model's parts in the order of the computation; `embedBack` where an adapter has something before the layers. */
export type Stages = {
  readonly embed: Stage;
  readonly layers: readonly { readonly forth: Stage; readonly back: Stage }[];
  readonly head: Stage;
  readonly embedBack?: Stage;
};

const GRADIENT = 'grad/';

/** One way through the model and back. */
export class LayerwisePass {
  /** Of the adapter's tensors by name, once it has been through. */
  readonly gradients = new Map<string, Float32Array>();
  readonly #engine: Engine;
  readonly #given: Feeds;
  readonly #onPart: OnPart;
  readonly #held = new Set<Tensor>();

  /** @param given weights, adapter and batch; they stay the caller's */
  constructor(engine: Engine, given: Feeds, onPart: OnPart = async () => {}) {
    this.#engine = engine;
    this.#given = given;
    this.#onPart = onPart;
  }

  /** @returns the loss */
  async through({ embed, layers, head, embedBack }: Stages): Promise<number> {
    const { x: first, text } = (await this.#run(embed, {})) as { x: Tensor; text: Tensor };
    const xs = [first];
    for (const { forth } of layers) xs.push((await this.#run(forth, { x: xs.at(-1)!, text }))['x']!);
    const said = await this.#run(head, { x: xs.at(-1)!, text });
    const loss = (await said['loss']!.read())[0]!;
    const dText = new Float32Array(embedBack ? text.shape.reduce((size, length) => size * length) : 0);
    let dx = await this.#take(said, dText);
    this.#letGo(xs.pop()!);
    for (const { back } of layers.toReversed()) {
      const x = xs.pop()!;
      const found = await this.#run(back, { x, text, 'd.x': dx });
      this.#letGo(x, dx);
      dx = await this.#take(found, dText);
    }
    if (embedBack) await this.#take(await this.#run(embedBack, { 'd.x': dx, 'd.text': this.#hold(this.#engine.tensor(dText, text.shape)) }), dText);
    return loss;
  }

  dispose(): void {
    this.#letGo(...this.#held);
  }

  async #run(stage: Stage, feeds: Feeds): Promise<Feeds> {
    const outputs = await stage.run({ ...this.#given, ...feeds });
    for (const tensor of Object.values(outputs)) this.#hold(tensor);
    await this.#onPart();
    return outputs;
  }

  /** Keeps the adapter's gradients, adds up the text's, and hands over that of x. */
  async #take(outputs: Feeds, dText: Float32Array): Promise<Tensor> {
    const { [`${GRADIENT}x`]: dx, [`${GRADIENT}text`]: more, ...rest } = outputs;
    if (more) add(dText, await more.read());
    for (const [name, tensor] of Object.entries(rest)) {
      if (name.startsWith(GRADIENT)) this.gradients.set(name.slice(GRADIENT.length), (await tensor.read()).slice() as Float32Array);
    }
    this.#letGo(...Object.values(rest), ...(more ? [more] : []));
    return dx!;
  }

  #hold(tensor: Tensor): Tensor {
    this.#held.add(tensor);
    return tensor;
  }

  #letGo(...tensors: readonly Tensor[]): void {
    for (const tensor of tensors) {
      tensor.dispose();
      this.#held.delete(tensor);
    }
  }
}

function add(sum: Float32Array, values: ArrayLike<number>): void {
  for (let i = 0; i < sum.length; i++) sum[i]! += values[i]!;
}
