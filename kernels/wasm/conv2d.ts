/** Convolutions and their gradients for WebAssembly, as blocked implicit products of matrices. */
import { i32 } from "./instructions.ts";
import type { Code } from "./instructions.ts";
import type { WasmKernel, WasmTarget } from "./kernel.ts";
import { entries, isSpread, layOut, type Spread, type Table } from "./conv2d_plane.ts";
import type { WasmConvOperand, WasmConvSpec } from "./conv2d_spec.ts";
import { outputKey } from "./matmul.ts";
import { blockedProduct } from "./matmul_blocked.ts";
import { packStrided, type Panels } from "./pack.ts";
import { ELEMENT_BYTES } from "./pack_element.ts";
import { type Gathered, packGathered } from "./pack_gather.ts";

type Dimensions = Table["dimensions"];

/** Shared memory while it is shared out. */
class Layout {
  /** Bytes so far, a multiple of 64. */
  bytes = 0;
  /** Tables in it. */
  readonly tables: Table[] = [];

  /** A place for `bytes` bytes. */
  place(bytes: number): number {
    const at = this.bytes;
    this.bytes += Math.ceil(bytes / 64) * 64;
    return at;
  }

  /** A table, its strides in elements of `size` bytes. */
  table(dimensions: Dimensions, size: number): number {
    const scaled = dimensions.map(([extent, stride]) => [extent, stride * size] as const);
    const at = this.place(4 * entries({ dimensions: scaled }));
    this.tables.push({ at, dimensions: scaled });
    return at;
  }
}

/**
 * A kernel that convolves, or computes one of the gradients of a convolution.
 *
 * A first phase copies the planes that windows slide over, with the zeros around and between them, into shared memory (none
 * where there are no zeros), and writes tables of offsets. From these, blocks of patches are packed straight into the panels
 * of a matrix product: no matrix of patches is stored. The gradient of the weight sums over images and positions in an
 * order that depends on sizes alone.
 *
 * @param spec Pass, geometry, operands and output.
 * @param target What the runtime can do.
 * @returns Its kernel.
 * @throws RangeError where the geometry's sizes do not fit together.
 *
 * @example A layer of windows of three by three
 * ```ts
 * import { wasmConv2d } from "@dipp/kernels/wasm";
 * import { assert } from "@std/assert";
 *
 * const kernel = wasmConv2d({
 *   pass: "forward",
 *   geometry: {
 *     input: [1, 16, 8, 8],
 *     weight: [32, 16, 3, 3],
 *     output: [1, 32, 8, 8],
 *     stride: [1, 1],
 *     padding: [1, 1],
 *     dilation: [1, 1],
 *     groups: 1,
 *   },
 *   first: { buffer: 0, type: "f32" },
 *   second: { buffer: 1, type: "f32" },
 *   output: { buffer: 2 },
 * }, { relaxed: true, threads: 2 });
 * assert(kernel.sharedBytes >= 4 * 16 * 10 * 10);
 * ```
 */
export function wasmConv2d(spec: WasmConvSpec, target: WasmTarget): WasmKernel {
  const { pass, geometry, first, second, output } = spec;
  const { groups, stride, padding, dilation } = geometry;
  const [images, channels, height, width] = geometry.input;
  const [outputs, slice, kernelHeight, kernelWidth] = geometry.weight;
  const [outHeight, outWidth] = geometry.output.slice(2);
  checkGeometry(spec);
  const [taps, pixels, group] = [kernelHeight * kernelWidth, outHeight * outWidth, outputs / groups];
  const layout = new Layout();
  const key = `conv2d:${pass}:${JSON.stringify(geometry)}:${first.buffer},${first.type}:` +
    `${second.buffer},${second.type}:${outputKey(output)}`;
  const common = { key, output };
  const reach = [(kernelHeight - 1) * dilation[0], (kernelWidth - 1) * dilation[1]];

  if (pass === "inputGrad") {
    const margin = [0, 1].map((i) => Math.max(0, reach[i] - padding[i]));
    const size = [outHeight, outWidth];
    const padded = [height, width].map((extent, i) =>
      margin[i] + Math.max(extent + padding[i], (size[i] - 1) * stride[i] + 1)
    );
    const planes = spreadPlanes(first, images * outputs, size, padded, margin, stride, layout);
    const [, across] = padded;
    const plane = padded[0] * across;
    const gathered: Gathered = {
      type: planes.type,
      lanes: layout.table([[height, across], [width, 1]], planes.bytes),
      terms: layout.table(
        [[group, plane], [kernelHeight, -dilation[0] * across], [kernelWidth, -dilation[1]]],
        planes.bytes,
      ),
      runs: "lanes",
    };
    const corner = (padding[0] + margin[0]) * across + padding[1] + margin[1];
    const weightAt = (z: Code) => i32.mul(remainder(z, groups), i32.const(group * slice * taps));
    const weight = taps === 1 ? strided(second, weightAt, 1, slice) : gather(second, weightAt, {
      type: second.type,
      lanes: layout.table([[slice, taps]], ELEMENT_BYTES[second.type]),
      terms: layout.table([[group, slice * taps], [taps, 1]], ELEMENT_BYTES[second.type]),
      runs: "terms",
    });
    return blockedProduct({
      ...common,
      batch: images * groups,
      m: slice,
      n: height * width,
      k: group * taps,
      a: weight,
      b: planes.panels((z) => i32.add(i32.mul(z, i32.const(group * plane)), i32.const(corner)), gathered),
      before: [layOut(planes.spread, layout.tables)],
      sharedBytes: layout.bytes,
    }, target);
  }

  const size = [height, width];
  const padded = [outHeight, outWidth].map((extent, i) =>
    Math.max((extent - 1) * stride[i] + reach[i] + 1, size[i] + padding[i])
  );
  const planes = spreadPlanes(first, images * channels, size, padded, padding, [1, 1], layout);
  const [, across] = padded;
  const plane = padded[0] * across;
  const windows: Dimensions = [[slice, plane], [kernelHeight, dilation[0] * across], [kernelWidth, dilation[1]]];
  const positions: Dimensions = [[outHeight, stride[0] * across], [outWidth, stride[1]]];
  const depth = slice * taps;
  if (pass === "forward") {
    return blockedProduct({
      ...common,
      batch: images * groups,
      m: group,
      n: pixels,
      k: depth,
      a: strided(second, (z) => i32.mul(remainder(z, groups), i32.const(group * depth)), depth, 1),
      b: planes.panels((z) => i32.mul(z, i32.const(slice * plane)), {
        type: planes.type,
        lanes: layout.table(positions, planes.bytes),
        terms: layout.table(windows, planes.bytes),
        runs: "lanes",
      }),
      before: [layOut(planes.spread, layout.tables)],
      sharedBytes: layout.bytes,
    }, target);
  }
  const bytes = ELEMENT_BYTES[second.type];
  return blockedProduct({
    ...common,
    batch: groups,
    m: group,
    n: depth,
    k: images * pixels,
    a: gather(second, (z) => i32.mul(z, i32.const(group * pixels)), {
      type: second.type,
      lanes: layout.table([[group, pixels]], bytes),
      terms: layout.table([[images, outputs * pixels], [pixels, 1]], bytes),
      runs: "terms",
    }),
    b: planes.panels((z) => i32.mul(z, i32.const(slice * plane)), {
      type: planes.type,
      lanes: layout.table(windows, planes.bytes),
      terms: layout.table([[images, channels * plane], ...positions], planes.bytes),
      runs: "terms",
    }),
    before: [layOut(planes.spread, layout.tables)],
    sharedBytes: layout.bytes,
  }, target);
}

const remainder = (z: Code, by: number): Code => by === 1 ? i32.const(0) : i32.remU(z, i32.const(by));

/** Address of element `position` of a buffer. */
const elementAt = ({ buffer, type }: WasmConvOperand, buffers: Code, position: Code): Code =>
  i32.add(i32.load(buffers, 4 * buffer), i32.mul(position, i32.const(ELEMENT_BYTES[type])));

function strided(operand: WasmConvOperand, base: (z: Code) => Code, laneStride: number, termStride: number): Panels {
  return {
    source: (z, buffers) => elementAt(operand, buffers, base(z)),
    pack: (width, valid) => packStrided(operand.type, laneStride, termStride, width, valid),
  };
}

/** One function for each width, made once. */
function packer(matrix: Gathered): Panels["pack"] {
  const made = new Map<number, ReturnType<Panels["pack"]>>();
  return (width) => {
    const f = made.get(width) ?? packGathered(matrix, width);
    made.set(width, f);
    return f;
  };
}

function gather(operand: WasmConvOperand, base: (z: Code) => Code, matrix: Gathered): Panels {
  return { source: (z, buffers) => elementAt(operand, buffers, base(z)), pack: packer(matrix) };
}

/** The planes of an operand as windows slide over them: copied into shared memory, or where they lie. */
function spreadPlanes(
  operand: WasmConvOperand,
  planes: number,
  size: readonly number[],
  padded: readonly number[],
  margin: readonly number[],
  step: readonly number[],
  layout: Layout,
) {
  const pair = (x: readonly number[]): [number, number] => [x[0], x[1]];
  const plan = { ...operand, planes, size: pair(size), padded: pair(padded), margin: pair(margin), step: pair(step) };
  if (isSpread(plan)) {
    return {
      spread: undefined,
      type: operand.type,
      bytes: ELEMENT_BYTES[operand.type],
      panels: (base: (z: Code) => Code, matrix: Gathered): Panels => gather(operand, base, matrix),
    };
  }
  const spread: Spread = { ...plan, at: layout.place(4 * planes * padded[0] * padded[1]) };
  return {
    spread,
    type: "f32" as const,
    bytes: 4,
    panels: (base: (z: Code) => Code, matrix: Gathered): Panels => ({
      source: (z, _, shared) => i32.add(i32.add(shared, i32.const(spread.at)), i32.mul(base(z), i32.const(4))),
      pack: packer(matrix),
    }),
  };
}

function checkGeometry({ geometry: { input, weight, output, groups, stride, padding, dilation } }: WasmConvSpec): void {
  const sizes = `input [${input}], weight [${weight}], output [${output}], groups ${groups}`;
  const all = [...input, ...weight, ...output, ...stride, ...dilation, groups];
  const fits = input.length === 4 && weight.length === 4 && output.length === 4 &&
    all.every((n) => Number.isInteger(n) && n > 0) && padding.every((n) => Number.isInteger(n) && n >= 0) &&
    input[0] === output[0] && input[1] === weight[1] * groups && weight[0] === output[1] && weight[0] % groups === 0;
  if (!fits) {
    throw new RangeError(`Sizes of a convolution are ${sizes}, expected positive ones that fit together`);
  }
}
