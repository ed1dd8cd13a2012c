// Layers in float64 on the host: the oracle of this package's layer tests.

import type { Tensor } from "@dipp/tensor";
import { assertClose } from "@dipp/tensor/testing";

/** A matrix as rows. */
export type Matrix = number[][];

/** Reads a tensor back as rows of its last axis. */
export async function rows(x: Tensor): Promise<Matrix> {
  const data = await x.data();
  const width = x.shape[x.ndim - 1];
  return Array.from(
    { length: data.length / width },
    (_, i) => Array.from(data.slice(i * width, (i + 1) * width)),
  );
}

/** x W^T + b. */
export async function linearRows(
  params: { weight: Tensor; bias?: Tensor },
  x: Matrix,
): Promise<Matrix> {
  const weight = await rows(params.weight);
  const bias = params.bias ? [...await params.bias.data()] : undefined;
  return x.map((row) => weight.map((w, j) => w.reduce((s, v, i) => s + v * row[i], bias?.[j] ?? 0)));
}

/** The error function by its Maclaurin series, good for |x| < 5. */
export function erf(x: number): number {
  let term = x;
  let sum = x;
  for (let n = 1; n < 120; n++) {
    term *= -x * x / n;
    sum += term / (2 * n + 1);
  }
  return 2 / Math.sqrt(Math.PI) * sum;
}

/** Asserts that a tensor has these rows, to float32 accuracy. */
export async function assertRows(
  actual: Tensor,
  expected: Matrix,
  tolerance = 1e-5,
): Promise<void> {
  assertClose(await actual.data(), expected.flat(), tolerance, "the output");
}
