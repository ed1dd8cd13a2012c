/** What products multiply in: a policy with a scope, for a graph keeps what it was built under. */
import type { Arithmetic } from "@dipp/kernels";

let current: Arithmetic = "f32";

/** What products that are built now are multiplied in. */
export function currentMatmulPrecision(): Arithmetic {
  return current;
}

/**
 * Builds a part of the graph whose matrix products and convolutions of two f16 factors are multiplied in `precision`
 * (compare torch.set_float32_matmul_precision). Their gradients are, too, wherever those are built. The default is "f32";
 * factors of other dtypes, f32 among them, are not affected.
 *
 * In "f16", sums of up to 8 products are computed in f16 and added to the others in f32: an error of up to
 * 2^-6.9 sum |x y| (typically a hundredth of that), infinity where eight products exceed 65504, and zero for products
 * below 2^-14. `explain` shows such kernels as `matmul in f16` and `conv2d forward in f16`.
 *
 * @param precision What to multiply in.
 * @param fn Builds tensors; synchronous.
 * @returns What `fn` returns.
 * @throws {TypeError} Where the precision is neither "f32" nor "f16", or `fn` returns a promise. Running the products
 *   throws one where the adapter lacks the feature shader-f16.
 *
 * @example
 * ```ts
 * import { explain, init, matmulPrecision, ones } from "@dipp/tensor";
 * import { assert } from "@std/assert";
 *
 * const device = await init();
 * const [a, b] = [ones([8, 4]).cast("f16"), ones([4, 6]).cast("f16")];
 * const product = matmulPrecision("f16", () => a.matmul(b));
 * if (device.features.has("shader-f16")) {
 *   assert(explain(product).kernels.some((k) => k.label.includes("matmul in f16")));
 * }
 * ```
 */
export function matmulPrecision<T>(precision: Arithmetic, fn: () => T): T {
  if (precision !== "f32" && precision !== "f16") {
    throw new TypeError(`matmulPrecision is ${precision}, expected "f32" or "f16"`);
  }
  const before = current;
  current = precision;
  try {
    const result = fn();
    if (result instanceof Promise) {
      result.catch(() => {});
      throw new TypeError("matmulPrecision got a promise, expected a function that builds tensors synchronously");
    }
    return result;
  } finally {
    current = before;
  }
}
