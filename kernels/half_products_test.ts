import { assert, assertThrows } from "@std/assert";
import { device, noise, runKernel, subgroup } from "./_run.ts";
import { conv2d } from "./conv2d.ts";
import type { ConvSpec } from "./conv2d_spec.ts";
import { BLOCK } from "./half_products.ts";
import { matmul } from "./matmul.ts";
import type { MatmulSpec } from "./matmul_spec.ts";

const ignore = !(await device()).features.has("shader-f16");

const DECLARATIONS = `@group(0) @binding(0) var<storage, read> a: array<u32>;
@group(0) @binding(1) var<storage, read> b: array<u32>;
@group(0) @binding(2) var<storage, read_write> c: array<f32>;`;
const store = (index: string, value: string) => `c[${index}] = ${value};`;

/** f16 numbers of magnitudes from 1/4 to 1, whose products and sums of products stay in the normal range. */
function halves(size: number, seed: number): Float16Array<ArrayBuffer> {
  return Float16Array.from(noise(size + size % 2, seed), (v) => Math.sign(v) * (1 + 3 * Math.abs(v)) / 4);
}

const words = (values: Float16Array<ArrayBuffer>) => new Uint16Array(values.buffer);

/**
 * Checks sums against their terms in float64: by the bound on blocks in f16, and by f32's on the sum of the blocks; and
 * that f16 was what it was computed in.
 */
function assertWithin(actual: Float32Array, exact: Float64Array, magnitudes: Float64Array, terms: number): void {
  const bound = (1 + 2 ** -10) ** BLOCK - 1 + terms * 2 ** -23;
  let worst = 0;
  for (let i = 0; i < exact.length; i++) {
    const e = Math.abs(actual[i] - exact[i]) / magnitudes[i];
    assert(e <= bound, `element ${i} is off by ${e} of its terms' magnitudes, expected at most ${bound}`);
    worst = Math.max(worst, e);
  }
  assert(worst > 2 ** -17, `the largest error is ${worst}, no more than f32 gives`);
}

type Layout = "rows" | "columns";
const lay = (rows: number, columns: number, layout: Layout) =>
  layout === "rows" ? { rowStride: columns, colStride: 1 } : { rowStride: 1, colStride: rows };

for (const target of ["subgroups", "software", "gpu"] as const) {
  const machine = async () => ({
    target: target === "gpu" ? "gpu" as const : "software" as const,
    ...(target === "subgroups" && { subgroup: await subgroup() }),
  });

  Deno.test({
    name: `matmul ${target} in f16 keeps within the bound of its blocks`,
    ignore,
    fn: async () => {
      const shapes: [number[], Layout, Layout][] = [
        [[2, 37, 83, 29], "rows", "rows"],
        [[1, 36, 84, 40], "columns", "columns"],
        ...(target === "gpu" ? [] : [
          [[1, 64, 128, 257], "rows", "columns"],
          [[3, 1, 5, 3], "rows", "rows"],
          [[2, 65, 70, 80], "columns", "rows"],
        ] as [number[], Layout, Layout][]),
      ];
      for (const [[batch, m, n, k], first, second] of shapes) {
        const [a, b] = [halves(batch * m * k, 1), halves(batch * k * n, 2)];
        const [sa, sb] = [lay(m, k, first), lay(k, n, second)];
        const spec: MatmulSpec = {
          ...await machine(),
          batch,
          m,
          n,
          k,
          a: { name: "a", type: "f16", base: (z) => `${z} * ${m * k}u`, ...sa, alignment: m * k },
          b: { name: "b", type: "f16", base: (z) => `${z} * ${k * n}u`, ...sb, alignment: k * n },
          declarations: DECLARATIONS,
          store,
          arithmetic: "f16",
        };
        const [exact, magnitudes] = [new Float64Array(batch * m * n), new Float64Array(batch * m * n)];
        exact.forEach((_, at) => {
          const [z, i, j] = [Math.floor(at / (m * n)), Math.floor(at / n) % m, at % n];
          for (let t = 0; t < k; t++) {
            const product = a[z * m * k + i * sa.rowStride + t * sa.colStride] *
              b[z * k * n + t * sb.rowStride + j * sb.colStride];
            exact[at] += product;
            magnitudes[at] += Math.abs(product);
          }
        });
        assertWithin(await runKernel(matmul(spec), [words(a), words(b)], exact.length), exact, magnitudes, k);
      }
    },
  });

  for (const pass of ["forward", "inputGrad", "weightGrad"] as const) {
    Deno.test({
      name: `conv2d ${target} ${pass} in f16 keeps within the bound of its blocks`,
      ignore,
      fn: async () => {
        const [images, channels, outputs, groups, padding] = [2, 6, 4, 2, 1];
        for (const [height, width, kernel, stride] of [[9, 11, 3, 2], [6, 8, 3, 1]].slice(target === "gpu" ? 1 : 0)) {
          const side = (n: number) => Math.floor((n + 2 * padding - kernel) / stride) + 1;
          const geometry = {
            input: [images, channels, height, width],
            weight: [outputs, channels / groups, kernel, kernel],
            output: [images, outputs, side(height), side(width)],
            stride: [stride, stride],
            padding: [padding, padding],
            dilation: [1, 1],
            groups,
          } as const;
          const [x, w, y] = [geometry.input, geometry.weight, geometry.output].map((s) => s.reduce((p, q) => p * q));
          const [first, second, result] = { forward: [x, w, y], inputGrad: [y, w, x], weightGrad: [x, y, w] }[pass];
          const [a, b] = [halves(first, 1), halves(second, 2)];
          const spec: ConvSpec = {
            ...await machine(),
            pass,
            geometry,
            operands: { first: { name: "a", type: "f16" }, second: { name: "b", type: "f16" } },
            declarations: DECLARATIONS,
            store,
            arithmetic: "f16",
          };
          const [exact, magnitudes] = [new Float64Array(result), new Float64Array(result)];
          const pairs = (visit: (x: number, w: number, y: number) => void) => {
            const [, , oh, ow] = geometry.output;
            for (let at = 0; at < y; at++) {
              const [q, p, o, image] = [
                at % ow,
                Math.floor(at / ow) % oh,
                Math.floor(at / (ow * oh)) % outputs,
                Math.floor(at / (ow * oh * outputs)),
              ];
              const inputs = channels / groups;
              for (let tap = 0; tap < inputs * kernel * kernel; tap++) {
                const c = Math.floor(tap / kernel ** 2) + Math.floor(o / (outputs / groups)) * inputs;
                const row = p * stride - padding + Math.floor(tap / kernel) % kernel;
                const column = q * stride - padding + tap % kernel;
                if (row < 0 || row >= height || column < 0 || column >= width) continue;
                visit(((image * channels + c) * height + row) * width + column, o * inputs * kernel ** 2 + tap, at);
              }
            }
          };
          pairs((x, w, y) => {
            const [i, j, at] = { forward: [x, w, y], inputGrad: [y, w, x], weightGrad: [x, y, w] }[pass];
            exact[at] += a[i] * b[j];
            magnitudes[at] += Math.abs(a[i] * b[j]);
          });
          // An input that no window meets has no terms
          magnitudes.forEach((m, at) => magnitudes[at] = m || 1);
          assertWithin(await runKernel(conv2d(spec), [words(a), words(b)], result), exact, magnitudes, first);
        }
      },
    });
  }
}

Deno.test("factors of other types are not multiplied in f16", () => {
  const operand = { name: "a", base: () => "0u", rowStride: 3, colStride: 1 };
  const spec = { batch: 1, m: 3, n: 3, k: 3, a: operand, b: operand, declarations: "", target: "gpu" as const };
  assertThrows(
    () => matmul({ ...spec, store: () => "", arithmetic: "f16" }),
    TypeError,
    "Matmul multiplies in f16 a factor stored as f32, expected f16",
  );
});
