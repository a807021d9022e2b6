/** One entry for the bundler. An exported function's name is its workflow type: people type it. */
export { adapterLease } from './adapter-lease.ts';
export { chainSubmitter } from './chain-submitter.ts';
export { closeWindow } from './close-window.ts';
export { epochTick } from './epoch-tick.ts';
export { evaluateSubmission } from './evaluate-submission.ts';
export { pretrainBase } from './pretrain-base.ts';
export { pretrainTick } from './pretrain-tick.ts';
export { promoteAdapter } from './promote-adapter.ts';
export { relayAdapter } from './relay-adapter.ts';
export { rollBackBase } from './roll-back-base.ts';
export { trainingWindow } from './training-window.ts';
export { validationRound } from './validation-round.ts';
export { windowTick } from './window-tick.ts';
export { default } from './unknown-type.ts';
