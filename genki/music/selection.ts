/** The index of the largest value, the first of equal ones. */
export function largest(values: ArrayLike<number>): number {
  let best = 0;
  for (let i = 1; i < values.length; i++) if (values[i]! > values[best]!) best = i;
  return best;
}

/**
 * The k-th largest value, found without sorting (Hoare 1961, "Find").
 * @param k 1 to the number of values
 */
export function kthLargest(values: Float64Array, k: number): number {
  const rest = values.slice();
  const target = rest.length - k; // where it would stand in rising order
  let [low, high] = [0, rest.length - 1];
  while (low < high) {
    const pivot = rest[(low + high) >>> 1]!;
    let [i, j] = [low, high];
    while (i <= j) {
      while (rest[i]! < pivot) i++;
      while (rest[j]! > pivot) j--;
      if (i <= j) {
        const swapped = rest[i]!;
        rest[i++] = rest[j]!;
        rest[j--] = swapped;
      }
    }
    if (target <= j) high = j;
    else if (target >= i) low = i;
    else break;
  }
  return rest[target]!;
}
