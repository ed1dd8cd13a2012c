import { assert, assertEquals, assertThrows } from "@std/assert";
import { generator, runWasmKernel } from "./_run.ts";
import { encoded } from "./_numbers.ts";
import { type ConvGeometry, wasmConv2d, type WasmConvSpec } from "./mod.ts";
import type { StorageType } from "./matmul_spec.ts";

type Pass = WasmConvSpec["pass"];

/** A convolution and its gradients by their definition, in float64: visits each product of an input and a weight. */
function plain(geometry: ConvGeometry, pass: Pass, first: Float32Array, second: Float32Array): Float64Array {
  const { input: [images, channels, height, width], weight, output, stride, padding, dilation, groups } = geometry;
  const [outputs, slice, kernelHeight, kernelWidth] = weight;
  const [outHeight, outWidth] = output.slice(2);
  const shape = { forward: output, inputGrad: geometry.input, weightGrad: weight }[pass];
  const result = new Float64Array(shape.reduce((x, y) => x * y));
  for (let image = 0; image < images; image++) {
    for (let o = 0; o < outputs; o++) {
      const group = Math.floor(o / (outputs / groups));
      for (let c = 0; c < slice; c++) {
        for (let ky = 0; ky < kernelHeight; ky++) {
          for (let kx = 0; kx < kernelWidth; kx++) {
            const w = ((o * slice + c) * kernelHeight + ky) * kernelWidth + kx;
            for (let oy = 0; oy < outHeight; oy++) {
              const y = oy * stride[0] + ky * dilation[0] - padding[0];
              if (y < 0 || y >= height) continue;
              for (let ox = 0; ox < outWidth; ox++) {
                const x = ox * stride[1] + kx * dilation[1] - padding[1];
                if (x < 0 || x >= width) continue;
                const at = ((image * channels + group * slice + c) * height + y) * width + x;
                const out = ((image * outputs + o) * outHeight + oy) * outWidth + ox;
                if (pass === "forward") result[out] += first[at] * second[w];
                else if (pass === "inputGrad") result[at] += first[out] * second[w];
                else result[w] += first[at] * second[out];
              }
            }
          }
        }
      }
    }
  }
  return result;
}

function geometryOf(
  images: number,
  groups: number,
  [slice, group]: number[],
  size: number[],
  window: number[],
  [stride, padding, dilation]: number[][],
): ConvGeometry {
  const out = size.map((s, i) => Math.floor((s + 2 * padding[i] - (window[i] - 1) * dilation[i] - 1) / stride[i]) + 1);
  const pair = (x: number[]): [number, number] => [x[0], x[1]];
  return {
    input: [images, slice * groups, ...size],
    weight: [group * groups, slice, ...window],
    output: [images, group * groups, ...out],
    stride: pair(stride),
    padding: pair(padding),
    dilation: pair(dilation),
    groups,
  };
}

/** Compares one pass with the definition. */
function check(geometry: ConvGeometry, pass: Pass, seed: number, types: [StorageType, StorageType], threads = 2) {
  const random = generator(seed);
  const count = (shape: readonly number[]) => shape.reduce((x, y) => x * y);
  const { input, weight, output } = geometry;
  const shapes = { forward: [input, weight], inputGrad: [output, weight], weightGrad: [input, output] }[pass];
  const [first, second] = shapes.map((shape, i) =>
    encoded(Float32Array.from({ length: count(shape) }, () => 2 * random() - 1), types[i])
  );
  const spec: WasmConvSpec = {
    pass,
    geometry,
    first: { buffer: 0, type: types[0] },
    second: { buffer: 1, type: types[1] },
    output: { buffer: 2 },
  };
  const expected = plain(geometry, pass, first.values, second.values);
  const kernel = wasmConv2d(spec, { relaxed: seed % 2 === 0, threads });
  const actual = runWasmKernel(kernel, [first.bytes, second.bytes, 4 * expected.length], { shuffle: seed });
  const worst = actual.reduce(
    (most, x, i) => Math.max(most, Number.isNaN(x) ? Infinity : Math.abs(x - expected[i])),
    0,
  );
  const scale = Math.sqrt(expected.reduce((sum, x) => sum + x * x, 0) / expected.length);
  assert(
    worst <= 1e-5 * Math.max(1, scale),
    `${pass}, seed ${seed}, types ${types}, ${JSON.stringify(geometry)}: off by ${worst}`,
  );
  return actual;
}

const PASSES: Pass[] = ["forward", "inputGrad", "weightGrad"];

Deno.test("wasmConv2d() agrees with the definition for any geometry", () => {
  for (let seed = 1; seed <= 60; seed++) {
    const random = generator(seed);
    const below = (n: number) => Math.floor(random() * n);
    const pick = <T>(...of: T[]) => of[below(of.length)];
    const two = (draw: () => number) => pick([draw(), draw()], Array(2).fill(draw()));
    const [stride, padding, dilation] = [two(() => 1 + below(3)), two(() => below(4)), two(() => 1 + below(2))];
    const window = two(() => 1 + below(4));
    const size = window.map((w, i) => Math.max(1, (w - 1) * dilation[i] + 1 - 2 * padding[i]) + below(14));
    const geometry = geometryOf(
      1 + below(3),
      pick(1, 1, 2, 3),
      [1 + below(9), 1 + below(9)],
      size,
      window,
      [stride, padding, dilation],
    );
    const type = () => pick<StorageType>("f32", "f32", "f16", "bf16");
    check(geometry, PASSES[seed % 3], seed, [type(), type()]);
  }
});

Deno.test("wasmConv2d() is right for layers as networks have them, in several blocks, and the same for any threads", () => {
  const one = [1, 1];
  const layers: [ConvGeometry, string][] = [
    [geometryOf(2, 1, [40, 24], [16, 16], [3, 3], [one, one, one]), "3x3"],
    [geometryOf(2, 1, [24, 40], [12, 16], [1, 1], [one, [0, 0], one]), "1x1"],
    [geometryOf(3, 1, [16, 8], [16, 16], [3, 3], [[2, 2], one, one]), "3x3, stride 2"],
    [geometryOf(5, 1, [3, 4], [32, 32], [3, 3], [one, one, one]), "long sums of the weight's gradient"],
  ];
  for (const [geometry, name] of layers) {
    for (const pass of PASSES) {
      const [few, many] = [1, 8].map((threads) => check(geometry, pass, 12, ["f32", "f32"], threads));
      assertEquals(few, many, name);
    }
  }
});

Deno.test("wasmConv2d() refuses sizes that do not fit together", () => {
  const geometry = { ...geometryOf(1, 1, [4, 4], [8, 8], [3, 3], [[1, 1], [1, 1], [1, 1]]), groups: 2 };
  assertThrows(() => check(geometry, "forward", 1, ["f32", "f32"]), RangeError, "groups 2");
});
