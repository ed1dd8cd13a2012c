import { assert, assertThrows } from "@std/assert";
import { error, noise, runKernel, subgroup } from "./_run.ts";
import { matmul } from "./matmul.ts";

const DECLARATIONS = `@group(0) @binding(0) var<storage, read> a: array<f32>;
@group(0) @binding(1) var<storage, read> b: array<f32>;
@group(0) @binding(2) var<storage, read_write> c: array<f32>;`;

/** Workgroup memory; registers, with subgroup operations (where the device has them) or without. */
type Variant = "gpu" | "subgroups" | "software";

/** How a factor lies in memory: row-major, column-major, or one row or column repeated. */
type Layout = "rows" | "columns" | "oneRow" | "oneColumn";

function strides(layout: Layout, rows: number, columns: number) {
  return {
    rows: { rowStride: columns, colStride: 1, size: rows * columns },
    columns: { rowStride: 1, colStride: rows, size: rows * columns },
    oneRow: { rowStride: 0, colStride: 1, size: columns },
    oneColumn: { rowStride: 1, colStride: 0, size: rows },
  }[layout];
}

/** Runs one product with factors that start 3 and 5 elements into their arrays, against a double loop in float64. */
async function difference(
  variant: Variant,
  [batch, m, n, k]: number[],
  first: Layout = "rows",
  second: Layout = "rows",
): Promise<number> {
  const [sa, sb] = [strides(first, m, k), strides(second, k, n)];
  const a = noise(3 + batch * sa.size, 1);
  const b = noise(5 + batch * sb.size, 2);
  const kernel = matmul({
    batch,
    m,
    n,
    k,
    a: { name: "a", base: (z) => `3u + ${z} * ${sa.size}u`, ...sa },
    b: { name: "b", base: (z) => `5u + ${z} * ${sb.size}u`, ...sb },
    declarations: DECLARATIONS,
    store: (index, value) => `c[${index}] = ${value} + 0.5;`,
    target: variant === "gpu" ? "gpu" : "software",
    ...(variant === "subgroups" && { subgroup: await subgroup() }),
  });
  const expected = new Float64Array(batch * m * n);
  for (let z = 0, at = 0; z < batch; z++) {
    for (let i = 0; i < m; i++) {
      for (let j = 0; j < n; j++, at++) {
        let sum = 0.5;
        for (let t = 0; t < k; t++) {
          sum += a[3 + z * sa.size + i * sa.rowStride + t * sa.colStride] *
            b[5 + z * sb.size + t * sb.rowStride + j * sb.colStride];
        }
        expected[at] = sum;
      }
    }
  }
  return error(await runKernel(kernel, [a, b], batch * m * n), expected);
}

const SIZES = [
  [1, 1, 1, 1],
  [1, 1, 100, 17],
  [1, 100, 1, 17],
  [1, 37, 3, 5],
  [2, 17, 129, 33],
  [3, 65, 67, 40],
  [5, 16, 64, 8],
  [1, 128, 128, 96],
  [1, 130, 144, 33],
  [2, 100, 147, 34],
  [70000, 1, 1, 2],
];
const SHAPES = [[2, 37, 83, 29], [2, 64, 128, 32], [1, 40, 4, 36]];
const LAYOUTS: [Layout, Layout][] = [
  ["rows", "columns"],
  ["columns", "rows"],
  ["columns", "columns"],
  ["oneRow", "rows"],
  ["rows", "oneColumn"],
  ["oneColumn", "oneRow"],
];

for (const target of ["subgroups", "software", "gpu"] as const) {
  // The software driver takes seconds to compile the workgroup-memory variant, so it gets fewer shapes
  for (const size of target === "gpu" ? SIZES.slice(-4, -1) : SIZES) {
    Deno.test(`matmul ${target} ${size.join("x")}`, async () => {
      const e = await difference(target, size);
      assert(e < 2e-6, `relative error ${e}`);
    });
  }
  for (const [a, b] of LAYOUTS) {
    Deno.test(`matmul ${target}, a by ${a}, b by ${b}`, async () => {
      for (const size of target === "gpu" ? SHAPES.slice(0, 1) : SHAPES) {
        const e = await difference(target, size, a, b);
        assert(e < 2e-6, `relative error ${e} for ${size}`);
      }
    });
  }
}

Deno.test("matmul names a size that is not positive", () => {
  const operand = { name: "a", base: () => "0u", rowStride: 1, colStride: 1 };
  assertThrows(
    () =>
      matmul({
        batch: 1,
        m: 0,
        n: 1,
        k: 1,
        a: operand,
        b: operand,
        declarations: "",
        store: () => "",
        target: "software",
      }),
    RangeError,
    "Matmul size m is 0",
  );
});
