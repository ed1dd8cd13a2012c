import { tiledConv } from "./conv2d_tiled.ts";
import type { ConvSpec, PointwiseVariant } from "./conv2d_spec.ts";
import { defaultConvVariant } from "./conv2d_variant.ts";
import { weightGradient } from "./conv2d_weight.ts";
import { slidingWindow } from "./conv2d_window.ts";
import { checkArithmetic } from "./half_products.ts";
import type { Kernel } from "./kernel.ts";
import { matmul } from "./matmul.ts";

/**
 * Two-dimensional convolution of NCHW images with OIHW weights, or its gradient with respect to either, computed
 * without a patch matrix in memory and accumulated in f32 in a fixed order. On a software adapter invocations slide over
 * rows with sums in registers; on a graphics processor it is a product of matrices whose factors are fetched in blocks.
 * `arithmetic: "f16"` is as for products.
 *
 * @param spec The pass, geometry, operands and how to store.
 * @returns The kernel.
 * @throws {RangeError} Where the geometry's sizes contradict each other.
 * @throws {TypeError} Where factors that are not stored as f16 are to be multiplied in f16.
 *
 * @example A 3 x 3 convolution
 * ```ts
 * import { conv2d } from "@dipp/kernels";
 * import { assert } from "@std/assert";
 *
 * const kernel = conv2d({
 *   pass: "forward",
 *   geometry: {
 *     input: [1, 3, 8, 8], weight: [4, 3, 3, 3], output: [1, 4, 8, 8],
 *     stride: [1, 1], padding: [1, 1], dilation: [1, 1], groups: 1,
 *   },
 *   operands: { first: { name: "x" }, second: { name: "w" } },
 *   declarations: `@group(0) @binding(0) var<storage, read> x: array<f32>;
 * @group(0) @binding(1) var<storage, read> w: array<f32>;
 * @group(0) @binding(2) var<storage, read_write> y: array<f32>;`,
 *   store: (index, value) => `y[${index}] = ${value};`,
 *   target: "software",
 * });
 * assert(kernel.code.includes("fn main"));
 * ```
 */
export function conv2d(spec: ConvSpec): Kernel {
  validate(spec);
  checkArithmetic("Convolution", spec.arithmetic, [spec.operands.first, spec.operands.second]);
  const variant = spec.variant ?? defaultConvVariant(spec);
  if (variant.kind === "matmul") return pointwise(spec, variant);
  if (variant.kind === "tiled") return tiledConv(spec, variant);
  // A graphics processor reads what all invocations share in one go
  const plan = spec.target === "gpu" ? { ...spec, subgroup: undefined } : spec;
  return spec.pass === "weightGrad" ? weightGradient(plan, variant) : slidingWindow(plan, variant);
}

/** A pointwise convolution, or its gradient with respect to the input: for each image and group a matrix product. */
function pointwise({ pass, geometry: g, operands, ...rest }: ConvSpec, { product }: PointwiseVariant): Kernel {
  const inputs = g.weight[1];
  const outputs = g.weight[0] / g.groups;
  const positions = g.output[2] * g.output[3];
  const [m, k] = pass === "forward" ? [outputs, inputs] : [inputs, outputs];
  const group = (z: string) => g.groups === 1 ? "0u" : `${z} % ${g.groups}u * ${inputs * outputs}u`;
  return matmul({
    batch: g.input[0] * g.groups,
    m,
    n: positions,
    k,
    a: {
      ...operands.second,
      base: group,
      rowStride: pass === "forward" ? inputs : 1,
      colStride: pass === "forward" ? 1 : inputs,
      alignment: inputs * outputs,
    },
    b: {
      ...operands.first,
      base: (z) => `${z} * ${k * positions}u`,
      rowStride: positions,
      colStride: 1,
      alignment: positions,
    },
    ...rest,
    variant: product,
  });
}

function validate({ pass, storePair, geometry: { input, weight, output, groups } }: ConvSpec): void {
  const sizes = `input [${input}], weight [${weight}], output [${output}], ${groups} groups`;
  if (
    input[0] !== output[0] || weight[0] !== output[1] ||
    weight[1] * groups !== input[1] || weight[0] % groups !== 0
  ) {
    throw new RangeError(`Convolution sizes do not fit each other: ${sizes}`);
  }
  if ([...input, ...weight, ...output].some((n) => !Number.isInteger(n) || n < 1)) {
    throw new RangeError(`Convolution sizes must be positive integers: ${sizes}`);
  }
  const rows = { forward: output, inputGrad: input, weightGrad: weight }[pass];
  if (storePair && rows[3] % 2 !== 0) {
    throw new RangeError(`Convolution stores pairs of a row of ${rows[3]} elements, expected an even number`);
  }
}
