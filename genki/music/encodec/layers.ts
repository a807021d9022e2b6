import type { EncodecConfig } from './config.ts';

/** A convolution; `name` is its tensors' and stands before `.conv` and `.norm`. */
export type Conv = { readonly kind: 'conv'; readonly name: string; readonly in: number; readonly out: number; readonly kernel: number; readonly stride: number; readonly dilation: number };
/** Its transpose, which makes `stride` samples of one. */
export type ConvTranspose = { readonly kind: 'convTranspose'; readonly name: string; readonly in: number; readonly out: number; readonly kernel: number; readonly stride: number };
/** Layers of an LSTM one on the other, and what comes in added to what comes out. */
export type Lstm = { readonly kind: 'lstm'; readonly name: string; readonly size: number; readonly depth: number };
/** What comes in, through `shortcut` where there is one, added to what the block makes of it. */
export type Residual = { readonly kind: 'residual'; readonly block: readonly Layer[]; readonly shortcut?: Conv };
export type Layer = Conv | ConvTranspose | Lstm | Residual | { readonly kind: 'elu' };

const ELU: Layer = { kind: 'elu' };

/** Samples of one frame. */
export const hopOf = ({ upsamplingRatios }: EncodecConfig): number => upsamplingRatios.reduce((hop, ratio) => hop * ratio, 1);

/** Channels at the frame rate, where the LSTM is. */
export const widestOf = ({ numFilters, upsamplingRatios }: EncodecConfig): number => numFilters * 2 ** upsamplingRatios.length;

/** From the waveform to the latent (SEANet, Tagliasacchi et al. 2020), in the order that numbers the tensors' names. */
export function encoderLayers(config: EncodecConfig): Layer[] {
  const { audioChannels, hiddenSize, numFilters, kernelSize, lastKernelSize, upsamplingRatios } = config;
  const layers = new Stack('encoder');
  layers.conv({ in: audioChannels, out: numFilters, kernel: kernelSize });
  upsamplingRatios.toReversed().forEach((ratio, i) => {
    const width = numFilters * 2 ** i;
    layers.residuals(config, width);
    layers.push(ELU);
    layers.conv({ in: width, out: 2 * width, kernel: 2 * ratio, stride: ratio });
  });
  layers.lstm(config);
  layers.push(ELU);
  layers.conv({ in: widestOf(config), out: hiddenSize, kernel: lastKernelSize });
  return layers.list;
}

/** From the latent to the waveform. */
export function decoderLayers(config: EncodecConfig): Layer[] {
  const { audioChannels, hiddenSize, numFilters, kernelSize, lastKernelSize, upsamplingRatios } = config;
  const layers = new Stack('decoder');
  layers.conv({ in: hiddenSize, out: widestOf(config), kernel: kernelSize });
  layers.lstm(config);
  upsamplingRatios.forEach((ratio, i) => {
    const width = widestOf(config) / 2 ** i;
    layers.push(ELU);
    layers.push({ kind: 'convTranspose', name: layers.next, in: width, out: width / 2, kernel: 2 * ratio, stride: ratio });
    layers.residuals(config, width / 2);
  });
  layers.push(ELU);
  layers.conv({ in: numFilters, out: audioChannels, kernel: lastKernelSize });
  return layers.list;
}

/** The layers up to the LSTM, which sees only what lies near, and those from it on. */
export function splitAtLstm(layers: readonly Layer[]): { readonly before: readonly Layer[]; readonly lstm: readonly Layer[]; readonly after: readonly Layer[] } {
  const at = layers.findIndex(({ kind }) => kind === 'lstm');
  return { before: layers.slice(0, at), lstm: layers.slice(at, at + 1), after: layers.slice(at + 1) };
}

/** Layers under construction, each named by its place. */
class Stack {
  readonly list: Layer[] = [];
  readonly #module: string;

  constructor(module: string) {
    this.#module = module;
  }

  get next(): string {
    return `${this.#module}.layers.${this.list.length}`;
  }

  push(layer: Layer): void {
    this.list.push(layer);
  }

  conv({ stride = 1, ...sizes }: { in: number; out: number; kernel: number; stride?: number }): void {
    this.push({ kind: 'conv', name: this.next, ...sizes, stride, dilation: 1 });
  }

  lstm(config: EncodecConfig): void {
    this.push({ kind: 'lstm', name: `${this.next}.lstm`, size: widestOf(config), depth: config.numLstmLayers });
  }

  residuals({ numResidualLayers, residualKernelSize, dilationGrowthRate, compress, useConvShortcut }: EncodecConfig, width: number): void {
    const narrow = Math.floor(width / compress);
    for (let i = 0; i < numResidualLayers; i++) {
      const name = this.next;
      const wide: Conv = { kind: 'conv', name: `${name}.block.1`, in: width, out: narrow, kernel: residualKernelSize, stride: 1, dilation: dilationGrowthRate ** i };
      const point: Conv = { kind: 'conv', name: `${name}.block.3`, in: narrow, out: width, kernel: 1, stride: 1, dilation: 1 };
      const shortcut: Conv = { kind: 'conv', name: `${name}.shortcut`, in: width, out: width, kernel: 1, stride: 1, dilation: 1 };
      this.push({ kind: 'residual', block: [ELU, wide, ELU, point], ...(useConvShortcut ? { shortcut } : {}) });
    }
  }
}
