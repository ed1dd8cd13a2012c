import { assert, assertThrows } from "@std/assert";
import { symmetricEigen } from "./symmetric_eigen.ts";

/** A fixed pseudo-random stream in [-1, 1), so that failures repeat. */
function stream(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 31 - 1;
  };
}

/** Largest |A v_i - values_i v_i| and largest departure of the vectors from orthonormality. */
function residuals(a: Float64Array, n: number): [number, number] {
  const { values, vectors } = symmetricEigen(a, n);
  let residual = 0, skew = 0;
  for (let i = 0; i < n; i++) {
    const v = vectors.subarray(i * n, (i + 1) * n);
    for (let r = 0; r < n; r++) {
      let av = 0;
      for (let c = 0; c < n; c++) av += a[r * n + c] * v[c];
      residual = Math.max(residual, Math.abs(av - values[i] * v[r]));
    }
    for (let j = 0; j <= i; j++) {
      let dot = 0;
      for (let c = 0; c < n; c++) dot += v[c] * vectors[j * n + c];
      skew = Math.max(skew, Math.abs(dot - (i === j ? 1 : 0)));
    }
    assert(i === 0 || values[i] >= values[i - 1]);
  }
  return [residual, skew];
}

Deno.test("symmetricEigen solves random matrices to rounding", () => {
  for (const n of [1, 2, 3, 10, 50]) {
    const next = stream(n);
    const a = new Float64Array(n * n);
    for (let i = 0; i < n; i++) {
      for (let j = 0; j <= i; j++) a[i * n + j] = a[j * n + i] = next();
    }
    const [residual, skew] = residuals(a, n);
    assert(residual < 1e-13 * n, `n = ${n}: residual ${residual}`);
    assert(skew < 1e-13 * n, `n = ${n}: orthonormality ${skew}`);
  }
});

Deno.test("symmetricEigen solves a singular matrix with repeated eigenvalues", () => {
  const n = 40, next = stream(7);
  const x = Float64Array.from({ length: 3 * n }, next);
  const a = new Float64Array(n * n);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < n; j++) {
      for (let k = 0; k < 3; k++) a[i * n + j] += x[k * n + i] * x[k * n + j];
    }
  }
  const [residual, skew] = residuals(a, n);
  assert(residual < 1e-12 && skew < 1e-12, `${residual} ${skew}`);
  const { values } = symmetricEigen(a, n, { vectors: false });
  assert(values.slice(0, n - 3).every((v) => Math.abs(v) < 1e-12));
  assert(values[n - 3] > 1);
});

Deno.test("symmetricEigen solves diagonal and zero matrices", () => {
  const [residual, skew] = residuals(
    new Float64Array([3, 0, 0, 0, 1, 0, 0, 0, 2]),
    3,
  );
  assert(residual === 0 && skew === 0);
  const zero = symmetricEigen(new Float64Array(16), 4);
  assert(zero.values.every((v) => v === 0));
});

Deno.test("symmetricEigen refuses what is no square matrix of numbers", () => {
  assertThrows(
    () => symmetricEigen(new Float64Array(5), 2),
    RangeError,
    "expected 2 * 2 = 4 numbers, got 5",
  );
  assertThrows(
    () => symmetricEigen(new Float64Array([1, NaN, NaN, 1]), 2),
    RangeError,
    "the matrix holds NaN",
  );
});
