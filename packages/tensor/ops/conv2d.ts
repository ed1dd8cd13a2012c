/** Two-dimensional convolution with its two gradients, and resampling. */
import type { Arithmetic, ConvGeometry } from "@dipp/kernels";
import { currentMatmulPrecision } from "../matmul_precision.ts";
import type { ConvPrimitive } from "../primitive.ts";
import { show } from "../shape.ts";
import { arange, zeros } from "../creation.ts";
import { Tensor } from "../tensor.ts";
import { indexSelect } from "./indexing.ts";

/** A number for both axes, or [vertical, horizontal]. */
export type Pair = number | readonly [number, number];

/** Settings of a convolution, named as in torch. */
export interface Conv2dOptions {
  /** [O], added to each output channel. */
  readonly bias?: Tensor | undefined;
  /** Step between windows; 1 by default. */
  readonly stride?: Pair;
  /** Zeros around the input; 0 by default. */
  readonly padding?: Pair;
  /** Step between the taps of a window; 1 by default. */
  readonly dilation?: Pair;
  /** Number of independent channel groups; 1 by default. */
  readonly groups?: number;
}

const pair = (p: Pair): readonly [number, number] => typeof p === "number" ? [p, p] : p;

type Pass = ConvPrimitive["pass"];

/** A convolution or a gradient of it: the three are each other's derivatives. */
function convolve(
  pass: Pass,
  a: Tensor,
  b: Tensor,
  geometry: ConvGeometry,
  arithmetic: Arithmetic = currentMatmulPrecision(),
): Tensor {
  const again = (next: Pass, x: Tensor, y: Tensor) => convolve(next, x, y, geometry, arithmetic);
  const rules: Record<Pass, (g: Tensor) => [Tensor, Tensor]> = {
    // a = input, b = weight
    forward: (g) => [again("inputGrad", g, b), again("weightGrad", a, g)],
    // a = output gradient, b = weight
    inputGrad: (g) => [again("forward", g, b), again("weightGrad", g, a)],
    // a = input, b = output gradient
    weightGrad: (g) => [again("inputGrad", b, g), again("forward", a, g)],
  };
  const shape = {
    forward: geometry.output,
    inputGrad: geometry.input,
    weightGrad: geometry.weight,
  }[pass];
  // Sums of nothing
  if (a.size === 0 || b.size === 0) return zeros(shape);
  return new Tensor(
    {
      kind: "conv2d",
      name: `conv2d ${pass}`,
      pass,
      geometry,
      arithmetic,
      vjp: rules[pass],
    },
    [a, b],
    shape,
    "f32",
  );
}

/**
 * Cross-correlation (torch.nn.functional.conv2d).
 *
 * @param x [N, C, H, W].
 * @param weight [O, C / groups, kH, kW].
 * @param options Bias and geometry.
 * @returns [N, O, oH, oW].
 */
export function conv2d(
  x: Tensor,
  weight: Tensor,
  options: Conv2dOptions = {},
): Tensor {
  const geometry = convGeometry(x, weight, options);
  const y = convolve("forward", x.cast("f32"), weight.cast("f32"), geometry);
  return options.bias ? y.add(options.bias.reshape([-1, 1, 1])) : y;
}

function convGeometry(
  x: Tensor,
  weight: Tensor,
  options: Conv2dOptions,
): ConvGeometry {
  const { groups = 1 } = options;
  const [stride, padding, dilation] = [
    options.stride ?? 1,
    options.padding ?? 0,
    options.dilation ?? 1,
  ].map(pair);
  const [n, c, ...size] = x.shape;
  const [o, perGroup, ...kernel] = weight.shape;
  if (
    x.ndim !== 4 || weight.ndim !== 4 || c !== perGroup * groups ||
    o % groups !== 0
  ) {
    throw new RangeError(
      `Cannot convolve ${show(x.shape)} with ${
        show(weight.shape)
      } in ${groups} groups: expected [N, C, H, W] and [O, C / groups, kH, kW]`,
    );
  }
  const out = size.map((s, i) =>
    Math.floor(
      (s + 2 * padding[i] - dilation[i] * (kernel[i] - 1) - 1) / stride[i],
    ) + 1
  );
  if (out.some((s) => s < 1)) {
    throw new RangeError(
      `Cannot convolve ${show(x.shape)} with ${show(weight.shape)} and padding ${
        show(padding)
      }: the window is larger than the input`,
    );
  }
  return {
    input: x.shape,
    weight: weight.shape,
    output: [n, o, ...out],
    stride,
    padding,
    dilation,
    groups,
  };
}

/**
 * Transposed convolution (torch.nn.functional.conv_transpose2d).
 *
 * @param x [N, C, H, W].
 * @param weight [C, O / groups, kH, kW].
 * @param options As for conv2d, and outputPadding: rows and columns added at the far end.
 */
export function convTranspose2d(
  x: Tensor,
  weight: Tensor,
  options: Conv2dOptions & { readonly outputPadding?: Pair } = {},
): Tensor {
  const { groups = 1, bias } = options;
  const [stride, padding, dilation, extra] = [
    options.stride ?? 1,
    options.padding ?? 0,
    options.dilation ?? 1,
    options.outputPadding ?? 0,
  ].map(pair);
  const [n, c, ...size] = x.shape;
  const [rows, perGroup, ...kernel] = weight.shape;
  if (x.ndim !== 4 || weight.ndim !== 4 || c !== rows) {
    throw new RangeError(
      `Cannot convolve ${show(x.shape)} transposed with ${
        show(weight.shape)
      }: expected [N, C, H, W] and [C, O / groups, kH, kW]`,
    );
  }
  const out = size.map((s, i) =>
    (s - 1) * stride[i] - 2 * padding[i] + dilation[i] * (kernel[i] - 1) +
    extra[i] + 1
  );
  const geometry = {
    input: [n, perGroup * groups, ...out],
    weight: weight.shape,
    output: x.shape,
    stride,
    padding,
    dilation,
    groups,
  };
  const y = convolve("inputGrad", x.cast("f32"), weight.cast("f32"), geometry);
  return bias ? y.add(bias.reshape([-1, 1, 1])) : y;
}

/**
 * Nearest-neighbour resize: output row k reads input row floor(k * in / out).
 *
 * @param x [N, C, H, W].
 * @param size [h, w].
 */
export function upsampleNearest2d(
  x: Tensor,
  size: readonly [number, number],
): Tensor {
  return size.reduce((t, n, i) => {
    const axis = i + 2;
    const m = t.shape[axis];
    if (n === m) return t;
    if (n % m === 0) {
      const split = [
        ...t.shape.slice(0, axis + 1),
        1,
        ...t.shape.slice(axis + 1),
      ];
      const repeated = split.map((s, a) => a === axis + 1 ? n / m : s);
      return t.reshape(split).expand(repeated).reshape(
        t.shape.map((s, a) => a === axis ? n : s),
      );
    }
    return indexSelect(
      t,
      axis,
      arange(n, "u32").mul(m).floorDivide(n).cast("i32"),
    );
  }, x);
}
