/** Tensors that have a shape and no elements. */
import type { DType } from "./dtype.ts";
import type { Shape } from "./shape.ts";
import { Tensor } from "./tensor.ts";

/**
 * A tensor without elements, which takes no memory: graphs are built and planned with it, as with the parameters of a
 * model that lies nowhere yet, but nothing that depends on it can be computed.
 *
 * @param shape The shape.
 * @param dtype The dtype.
 * @returns The tensor. Computing with it is a `TypeError`.
 *
 * @example The plan of a product of 64 GiB
 * ```ts
 * import { explain, init, placeholder } from "@dipp/tensor";
 * import { assertEquals } from "@std/assert";
 *
 * await init();
 * const huge = placeholder([2 ** 17, 2 ** 17]);
 * assertEquals(explain(huge.matmul(placeholder([2 ** 17, 1]))).totals.flops, 2 ** 35);
 * ```
 */
export function placeholder(shape: Shape, dtype: DType = "f32"): Tensor {
  return new Tensor({ kind: "leaf", name: "placeholder" }, [], [...shape], dtype, {});
}
