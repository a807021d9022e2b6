/** So many are kept: a window asks for two or three, and each has memory of its own. */
const KEPT = 16;

/** `make`, which makes what it has lately made only once. */
export function recent<Args extends readonly number[], T>(make: (...args: Args) => T): (...args: Args) => T {
  const made = new Map<string, T>();
  return (...args) => {
    const key = args.join();
    const one = made.get(key) ?? make(...args);
    made.delete(key);
    made.set(key, one);
    if (made.size > KEPT) made.delete(made.keys().next().value!);
    return one;
  };
}
