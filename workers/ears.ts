/**
 * Who hears does so on the CPU, since a GPU's memory is for the model; and in one thread: of several, an embedder's sums end
 * otherwise, and two validators' reports with them.
 * @param engine that the models run on; none: the best that is found
 */
export const earsOf = (engine: string | undefined): { readonly engine: string; readonly threads: number } => ({ engine: engine === undefined || engine === 'tfjs-node-gpu' ? 'onnx' : engine, threads: 1 });
