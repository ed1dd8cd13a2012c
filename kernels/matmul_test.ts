import { assert, assertThrows } from "@std/assert";
import { arrayOf, error, held, noise, runKernel, subgroup } from "./_run.ts";
import type { ElementType } from "./element.ts";
import { matmul } from "./matmul.ts";
import type { MatmulSpec, MatmulVariant } from "./matmul_spec.ts";
import { matmulVariants } from "./matmul_variant.ts";

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

/** What a case sets beside sizes and layouts. */
interface Setting {
  types?: [ElementType, ElementType];
  /** Elements before each factor. */
  before?: [number, number];
  /** Store two elements at a time. */
  pairs?: boolean;
  /** Choose one of the forms. */
  choose?: (spec: MatmulSpec) => MatmulVariant;
}

/** Runs one product against a double loop in float64, with factors that do not start where their arrays do. */
async function difference(
  variant: Variant,
  [batch, m, n, k]: number[],
  first: Layout = "rows",
  second: Layout = "rows",
  { types: [ta, tb] = ["f32", "f32"], before: [fa, fb] = [3, 5], pairs = false, choose }: Setting = {},
): Promise<number> {
  const [sa, sb] = [strides(first, m, k), strides(second, k, n)];
  const a = held(noise(fa + batch * sa.size, 1), ta);
  const b = held(noise(fb + batch * sb.size, 2), tb);
  const common = (from: number, size: number) => [4, 2].find((x) => from % x === 0 && size % x === 0) ?? 1;
  const spec: MatmulSpec = {
    batch,
    m,
    n,
    k,
    a: { name: "a", base: (z) => `${fa}u + ${z} * ${sa.size}u`, ...sa, type: ta, alignment: common(fa, sa.size) },
    b: { name: "b", base: (z) => `${fb}u + ${z} * ${sb.size}u`, ...sb, type: tb, alignment: common(fb, sb.size) },
    declarations: `@group(0) @binding(0) var<storage, read> a: ${arrayOf(ta)};
@group(0) @binding(1) var<storage, read> b: ${arrayOf(tb)};
@group(0) @binding(2) var<storage, read_write> c: array<f32>;`,
    store: (index, value) => `c[${index}] = ${value} + 0.5;`,
    ...(pairs && {
      store: () => "never",
      storePair: (i: string, x: string, y: string) => `c[${i}] = ${x} + 0.5; c[${i} + 1u] = ${y} + 0.5;`,
    }),
    target: variant === "gpu" ? "gpu" : "software",
    ...(variant === "subgroups" && { subgroup: await subgroup() }),
  };
  const kernel = matmul({ ...spec, variant: choose?.(spec) });
  const expected = new Float64Array(batch * m * n);
  for (let z = 0, at = 0; z < batch; z++) {
    for (let i = 0; i < m; i++) {
      for (let j = 0; j < n; j++, at++) {
        let sum = 0.5;
        for (let t = 0; t < k; t++) {
          sum += a.values[fa + z * sa.size + i * sa.rowStride + t * sa.colStride] *
            b.values[fb + z * sb.size + t * sb.rowStride + j * sb.colStride];
        }
        expected[at] = sum;
      }
    }
  }
  return error(await runKernel(kernel, [a.words, b.words], batch * m * n), expected);
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
  // The software driver takes seconds to compile the forms with workgroup memory, so they get fewer shapes
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

for (const target of ["subgroups", "software", "gpu"] as const) {
  for (
    const types of [["f16", "bf16"], ["bf16", "f32"], ["f32", "f16"], ["vec4", "vec4"]] as [ElementType, ElementType][]
  ) {
    Deno.test(`matmul ${target} of ${types.join(" and ")} sums the numbers that the words hold`, async () => {
      const layouts: [Layout, Layout][] = [["rows", "rows"], ["columns", "columns"]];
      // The software driver takes seconds to compile the forms with workgroup memory, so they get fewer shapes
      for (const [a, b] of target === "subgroups" ? layouts : layouts.slice(0, 1)) {
        for (const before of (target === "gpu" ? [[4, 8]] : [[3, 5], [4, 8]]) as [number, number][]) {
          // Even and odd rows, whole words and halves of them
          for (const size of target === "gpu" ? [[2, 36, 84, 28]] : [[2, 36, 84, 28], [2, 37, 83, 29]]) {
            const e = await difference(target, size, a, b, { types, before });
            assert(e < 2e-6, `relative error ${e} for ${size}, ${a} and ${b} from ${before}`);
          }
        }
      }
    });
  }
  Deno.test(`matmul ${target} stores pairs of neighbours`, async () => {
    for (const size of [[2, 37, 84, 28], [1, 40, 2, 65], [1, 7, 90, 300], [1, 64, 34, 128]]) {
      const e = await difference(target, size, "rows", "rows", { pairs: true });
      assert(e < 2e-6, `relative error ${e} for ${size}`);
    }
  });
}

for (const target of ["subgroups", "gpu"] as const) {
  Deno.test(`matmul ${target} is the same in all forms, whichever are measured`, async () => {
    const sizes = target === "gpu" ? [[1, 130, 69, 21]] : [[1, 45, 100, 37], [2, 9, 33, 34]];
    for (const size of sizes) {
      let count = 1;
      for (let v = 0; v < count; v++) {
        const e = await difference(target, size, "rows", "rows", {
          choose: (spec) => {
            const all = matmulVariants(spec);
            count = all.length;
            return all[v];
          },
        });
        assert(e < 2e-6, `relative error ${e} of form ${v} for ${size}`);
      }
      assert(count > 3);
    }
  });
}

Deno.test("matmul names a row that cannot be stored in pairs", () => {
  const operand = { name: "a", base: () => "0u", rowStride: 3, colStride: 1 };
  const spec = { batch: 1, m: 3, n: 3, k: 3, a: operand, b: operand, declarations: "", target: "gpu" as const };
  assertThrows(() => matmul({ ...spec, store: () => "", storePair: () => "" }), RangeError, "a row of 3 elements");
});

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
