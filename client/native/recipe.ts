/** A native TensorFlow.js: its package, and the Python wheel that holds the library it is built against. */
export type Recipe = {
  readonly name: 'tfjs-node' | 'tfjs-node-gpu';
  readonly package: string;
  readonly version: string;
  /** The package's own download is of TensorFlow 2.9; its binding speaks the stable C interface of any later 2. */
  readonly wheel: string;
  /** Whether NVIDIA's libraries that the wheel names are to be fetched, too. */
  readonly hasCuda: boolean;
};

export const RECIPES: Readonly<Record<'cpu' | 'gpu', Recipe>> = {
  cpu: { name: 'tfjs-node', package: '@tensorflow/tfjs-node', version: '4.22.0', wheel: 'tensorflow-cpu==2.15.1', hasCuda: false },
  gpu: { name: 'tfjs-node-gpu', package: '@tensorflow/tfjs-node-gpu', version: '4.22.0', wheel: 'tensorflow==2.15.1', hasCuda: true },
};
