import { assert, assertThrows } from "@std/assert";
import { arrayOf, error, held, noise, runKernel, subgroup } from "./_run.ts";
import { conv2d } from "./conv2d.ts";
import type { ConvGeometry, ConvSpec, ConvVariant } from "./conv2d_spec.ts";
import { convVariants } from "./conv2d_variant.ts";
import type { ElementType } from "./element.ts";

const size = (shape: readonly number[]) => shape.reduce((a, b) => a * b, 1);

/** Calls `visit` for each product of the convolution with the positions of its three elements. */
function products(g: ConvGeometry, visit: (input: number, weight: number, output: number) => void): void {
  const [, C, H, W] = g.input;
  const [N, O, oH, oW] = g.output;
  const [, c, kH, kW] = g.weight;
  for (let n = 0; n < N; n++) {
    for (let o = 0; o < O; o++) {
      const group = Math.floor(o / (O / g.groups));
      for (let oy = 0; oy < oH; oy++) {
        for (let ox = 0; ox < oW; ox++) {
          for (let i = 0; i < c; i++) {
            for (let ky = 0; ky < kH; ky++) {
              const y = oy * g.stride[0] - g.padding[0] + ky * g.dilation[0];
              if (y < 0 || y >= H) continue;
              for (let kx = 0; kx < kW; kx++) {
                const x = ox * g.stride[1] - g.padding[1] + kx * g.dilation[1];
                if (x < 0 || x >= W) continue;
                visit(
                  ((n * C + group * c + i) * H + y) * W + x,
                  ((o * c + i) * kH + ky) * kW + kx,
                  ((n * O + o) * oH + oy) * oW + ox,
                );
              }
            }
          }
        }
      }
    }
  }
}

async function difference(
  pass: ConvSpec["pass"],
  geometry: ConvGeometry,
  lanes?: number,
  target: ConvSpec["target"] = "software",
  { type = "f32", pairs = false, choose }: {
    type?: ElementType;
    pairs?: boolean;
    choose?: (spec: ConvSpec) => ConvVariant;
  } = {},
): Promise<number> {
  const arrays = [geometry.input, geometry.weight, geometry.output].map((s, i) => held(noise(size(s), i + 1), type));
  const [input, weight, output] = arrays.map((array) => array.values);
  const [first, second, shape] = {
    forward: [arrays[0], arrays[1], geometry.output] as const,
    inputGrad: [arrays[2], arrays[1], geometry.input] as const,
    weightGrad: [arrays[0], arrays[2], geometry.weight] as const,
  }[pass];
  const spec: ConvSpec = {
    pass,
    geometry,
    operands: { first: { name: "first", type }, second: { name: "second", type } },
    declarations: `@group(0) @binding(0) var<storage, read> first: ${arrayOf(type)};
@group(0) @binding(1) var<storage, read> second: ${arrayOf(type)};
@group(0) @binding(2) var<storage, read_write> result: array<f32>;`,
    store: (index, value) => `result[${index}] = ${value} - 0.25;`,
    ...(pairs && {
      store: () => "never",
      storePair: (i: string, x: string, y: string) => `result[${i}] = ${x} - 0.25; result[${i} + 1u] = ${y} - 0.25;`,
    }),
    target,
    subgroup: lanes,
  };
  const kernel = conv2d({ ...spec, variant: choose?.(spec) });
  const expected = new Float64Array(size(shape)).fill(-0.25);
  products(
    geometry,
    {
      forward: (i: number, w: number, o: number) => void (expected[o] += input[i] * weight[w]),
      inputGrad: (i: number, w: number, o: number) => void (expected[i] += output[o] * weight[w]),
      weightGrad: (i: number, w: number, o: number) => void (expected[w] += input[i] * output[o]),
    }[pass],
  );
  return error(await runKernel(kernel, [first.words, second.words], size(shape)), expected);
}

/** A geometry; padding is the same on all sides unless `after` gives the zeros below and right. */
function geometry(
  [n, c, h, w]: number[],
  [o, kh, kw]: number[],
  { stride = [1, 1], padding = [0, 0], after = padding, dilation = [1, 1], groups = 1 }: {
    stride?: [number, number];
    padding?: [number, number];
    after?: [number, number];
    dilation?: [number, number];
    groups?: number;
  } = {},
): ConvGeometry {
  const out = (length: number, k: number, a: number) =>
    Math.floor((length + padding[a] + after[a] - dilation[a] * (k - 1) - 1) / stride[a]) + 1;
  return {
    input: [n, c, h, w],
    weight: [o, c / groups, kh, kw],
    output: [n, o, out(h, kh, 0), out(w, kw, 1)],
    stride,
    padding,
    dilation,
    groups,
  };
}

const CASES: [string, ConvGeometry][] = [
  ["3x3, same size", geometry([2, 5, 16, 16], [18, 3, 3], { padding: [1, 1] })],
  ["3x3, large", geometry([3, 9, 16, 20], [37, 3, 3], { padding: [1, 1] })],
  ["3x3, stride 2, large", geometry([3, 16, 16, 16], [40, 3, 3], { stride: [2, 2], padding: [1, 1] })],
  ["1x1, stride 2", geometry([2, 5, 9, 9], [6, 1, 1], { stride: [2, 2] })],
  ["1x1, groups", geometry([2, 6, 5, 5], [9, 1, 1], { groups: 3 })],
  ["1x1, large", geometry([4, 50, 10, 10], [40, 1, 1])],
  ["5x5, groups, large", geometry([3, 8, 17, 17], [20, 5, 5], { padding: [2, 2], groups: 2 })],
  ["1x1", geometry([3, 10, 7, 9], [17, 1, 1])],
  ["one element", geometry([1, 1, 1, 1], [1, 1, 1])],
  ["odd sizes", geometry([2, 3, 11, 13], [4, 5, 2], { padding: [2, 1] })],
  ["stride 2", geometry([2, 3, 16, 16], [6, 3, 3], { stride: [2, 2], padding: [1, 1] })],
  ["stride 2, zeros after only", geometry([1, 3, 8, 8], [6, 3, 3], { stride: [2, 2], after: [1, 1] })],
  ["stride 3 x 2", geometry([2, 2, 13, 12], [3, 3, 4], { stride: [3, 2], padding: [1, 2] })],
  ["dilation 2", geometry([1, 2, 12, 12], [3, 3, 3], { dilation: [2, 2], padding: [2, 2] })],
  ["stride 2, dilation 2 x 3", geometry([1, 2, 13, 14], [3, 3, 3], { stride: [2, 2], dilation: [2, 3] })],
  ["stride longer than the kernel", geometry([1, 2, 9, 10], [3, 2, 1], { stride: [3, 3] })],
  ["groups", geometry([2, 6, 9, 9], [9, 3, 3], { padding: [1, 1], groups: 3 })],
  ["a group for each channel", geometry([1, 8, 10, 10], [8, 3, 3], { padding: [1, 1], groups: 8 })],
  ["patches", geometry([2, 3, 16, 16], [12, 8, 8], { stride: [8, 8] })],
  ["kernel larger than the image", geometry([1, 2, 3, 3], [2, 5, 5], { padding: [2, 2] })],
];

for (const pass of ["forward", "inputGrad", "weightGrad"] as const) {
  for (const [name, g] of CASES) {
    Deno.test(`conv2d ${pass}, ${name}`, async () => {
      for (const lanes of [undefined, await subgroup()]) {
        const e = await difference(pass, g, lanes);
        assert(e < 2e-6, `relative error ${e} with subgroups of ${lanes}`);
      }
    });
  }
}

for (const pass of ["forward", "inputGrad", "weightGrad"] as const) {
  Deno.test(`conv2d ${pass} on a graphics processor`, async () => {
    // The software driver takes seconds to compile each of these kernels
    for (const [name, g] of CASES.filter((_, i) => i % 3 === 1)) {
      const e = await difference(pass, g, undefined, "gpu");
      assert(e < 2e-6, `relative error ${e} for ${name}`);
    }
  });
  for (const type of ["f16", "bf16"] as const) {
    Deno.test(`conv2d ${pass} of ${type} sums the numbers that the words hold`, async () => {
      const cases = [
        geometry([2, 5, 9, 11], [7, 3, 3], { padding: [1, 1] }),
        geometry([2, 16, 12, 12], [20, 3, 3], { stride: [2, 2], padding: [1, 1] }),
        geometry([1, 6, 7, 7], [5, 1, 1]),
      ];
      for (const g of cases) {
        for (const target of ["software", "gpu"] as const) {
          const e = await difference(pass, g, target === "gpu" ? undefined : await subgroup(), target, { type });
          assert(e < 2e-6, `relative error ${e} on ${target} for input [${g.input}]`);
        }
      }
    });
  }
  Deno.test(`conv2d ${pass} stores pairs of neighbours`, async () => {
    const cases = [
      geometry([2, 6, 5, 6], [7, 3, 2], { padding: [1, 0], after: [1, 1] }),
      geometry([1, 16, 12, 12], [20, 4, 4], { stride: [2, 2], padding: [1, 1] }),
    ];
    for (const g of cases) {
      for (const target of ["software", "gpu"] as const) {
        const lanes = target === "gpu" ? undefined : await subgroup();
        const e = await difference(pass, g, lanes, target, { pairs: true });
        assert(e < 2e-6, `relative error ${e} on ${target} for input [${g.input}]`);
      }
    }
  });
  Deno.test(`conv2d ${pass} is the same in all forms, whichever are measured`, async () => {
    for (const target of ["software", "gpu"] as const) {
      const lanes = target === "gpu" ? undefined : await subgroup();
      for (const g of [geometry([2, 9, 7, 13], [18, 3, 3], { padding: [1, 1] }), geometry([2, 9, 7, 13], [18, 1, 1])]) {
        if (target === "gpu" && g.weight[3] === 1) continue;
        let count = 1;
        for (let v = 0; v < count; v++) {
          const choose = (spec: ConvSpec) => {
            const all = convVariants(spec);
            count = all.length;
            return all[v];
          };
          const e = await difference(pass, g, lanes, target, { choose });
          assert(e < 2e-6, `relative error ${e} of form ${v} on ${target}`);
        }
        assert(count > 2);
      }
    }
  });
}

Deno.test("conv2d names sizes that contradict each other", () => {
  assertThrows(
    () =>
      conv2d({
        pass: "forward",
        geometry: { ...geometry([1, 4, 5, 5], [3, 3, 3]), groups: 2 },
        operands: { first: { name: "first" }, second: { name: "second" } },
        declarations: "",
        store: () => "",
        target: "software",
      }),
    RangeError,
    "Convolution sizes do not fit each other",
  );
});
