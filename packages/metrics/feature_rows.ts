/** Feature vectors of a set of images, one a row; every distance between sets is computed on the host in float64. */
export type FeatureRows = readonly ArrayLike<number>[];

/** Sum of products of two vectors. */
export function dot(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i];
  return sum;
}

/** Squared Euclidean distance of two vectors. */
export function squaredDistance(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i] - b[i]) ** 2;
  return sum;
}

/** Vectors of length one in the same directions. */
export function unitRows(rows: FeatureRows): Float64Array[] {
  return rows.map((row) => {
    const length = Math.sqrt(dot(row, row));
    return Float64Array.from(row, (x) => x / length);
  });
}

/** Refuses sets that are too small, or whose vectors differ in length. */
export function requireRows(metric: string, least: number, ...sets: FeatureRows[]): void {
  const dim = sets[0][0]?.length;
  for (const rows of sets) {
    if (rows.length < least) {
      throw new RangeError(`Cannot compute ${metric} of ${rows.length} images: expected at least ${least}`);
    }
    const odd = rows.find((row) => row.length !== dim);
    if (odd) {
      throw new RangeError(
        `Cannot compute ${metric} of features of ${dim} and ${odd.length} numbers: expected one length`,
      );
    }
  }
}
