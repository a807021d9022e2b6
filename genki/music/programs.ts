import type { Ops, Program } from '../engine/engine.ts';
import { adaptedNet, adapterSpecs, plainNet } from './adapted-net.ts';
import type { LanguageConfig } from './config.ts';
import { Decoder, type DecoderOutput, type Net } from './decoder.ts';
import type { LoraConfig } from './lora.ts';
import { byName, floats, idsOf, type Inputs, int, lossInputs, sequenceInputs, type Size, sizes } from './program-inputs.ts';
import { textStates } from './text.ts';
import { weightSpecs } from './weights.ts';

function forward<T>(config: LanguageConfig, net: Net<T>, input: (name: string) => T, size: Size): DecoderOutput<T> {
  const decoder = new Decoder(net, config.decoder, sizes(size, config.decoder));
  const told = decoder.told(textStates(config, net, input));
  return decoder.run({ ids: idsOf(config.decoder, input), positions: input('positions'), causalBias: input('causal'), ...told });
}

/** All that a pass over whole sequences computes: `logits` [B, T, K, V] and `hidden.<layer>` [B, L, D], those of a prefix included. */
export function forwardProgram(config: LanguageConfig): Program {
  return {
    name: 'forward',
    inputs: { ...floats(weightSpecs(config)), ...sequenceInputs(config) },
    build: <T>(ops: Ops<T>, inputs: Inputs<T>, size: Size) => {
      const input = byName(inputs);
      const { hidden, logits } = forward(config, plainNet(ops, input), input, size);
      return { logits, ...Object.fromEntries(hidden.map((x, l) => [`hidden.${l}`, x])) };
    },
  };
}

/** Each label's loss: `nll` [B, T, K] in nats. */
export function scoreProgram(config: LanguageConfig): Program {
  return {
    name: 'score',
    inputs: { ...floats(weightSpecs(config)), ...sequenceInputs(config), labels: int('B', 'T', config.decoder.numCodebooks) },
    build: <T>(ops: Ops<T>, inputs: Inputs<T>, size: Size) => {
      const input = byName(inputs);
      const { logits } = forward(config, plainNet(ops, input), input, size);
      return { nll: ops.negativeLogLikelihood(logits, input('labels')) };
    },
  };
}

/** `loss` of a batch, in nats per code, and its gradients: of the adapter beside frozen weights, or of all weights. */
export function trainProgram(config: LanguageConfig, lora?: LoraConfig): Program {
  const trained = lora === undefined ? weightSpecs(config) : adapterSpecs(config, lora);
  return {
    name: lora === undefined ? 'train' : 'train-lora',
    inputs: { ...floats(weightSpecs(config)), ...floats(trained), ...sequenceInputs(config), ...lossInputs(config) },
    build: <T>(ops: Ops<T>, inputs: Inputs<T>, size: Size) => {
      const input = byName(inputs);
      const plain = plainNet(ops, input);
      const { logits } = forward(config, lora === undefined ? plain : adaptedNet(plain, config, lora), input, size);
      const nll = ops.negativeLogLikelihood(logits, input('labels'));
      return { loss: ops.sum(ops.mul(nll, input('weights')), [0, 1, 2]) };
    },
    gradients: { of: 'loss', wrt: trained.map(({ name }) => name) },
  };
}
