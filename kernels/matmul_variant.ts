/** Which form a matrix product's kernel takes: the default, those worth measuring, and the key of what was measured. */
import { laneCount, tile } from "./kernel.ts";
import type { MatmulOperand, MatmulSpec, MatmulVariant } from "./matmul_spec.ts";

/** Multiplications up to which a product counts as small: compiling a large tile takes longer than it ever will. */
const SMALL = 1 << 18;
/** Workgroups from which large blocks keep a graphics processor busy. */
const ENOUGH_BLOCKS = 64;

/** What the choice of a form depends on. */
export type MatmulSizes = Pick<MatmulSpec, "batch" | "m" | "n" | "k" | "target" | "subgroup">;

/** The form that a product gets where none was measured. */
export function defaultMatmulVariant(spec: MatmulSizes): MatmulVariant {
  if (spec.target === "gpu") {
    const blocks = (rows: number, columns: number) =>
      Math.ceil(spec.m / (16 * rows)) * Math.ceil(spec.n / (16 * columns)) * spec.batch;
    const patch = ([[8, 8], [8, 4], [4, 8]] as const).find(([r, c]) =>
      spec.m > 8 * r && spec.n > 8 * c && blocks(r, c) >= ENOUGH_BLOCKS
    ) ?? [4, 4];
    // Both blocks fit the 16 KiB of workgroup memory that every device has
    return { kind: "tiled", rows: patch[0], columns: patch[1], depth: patch[0] + patch[1] > 12 ? 8 : 16 };
  }
  const lanes = laneCount(spec);
  const waste = (length: number) => Math.ceil(length / lanes) * lanes / length;
  const side = waste(spec.m) < waste(spec.n) ? "rows" : "columns";
  const [shared, laned] = side === "rows" ? [spec.n, spec.m] : [spec.m, spec.n];
  const work = spec.batch * spec.m * spec.n * spec.k;
  const turn = spec.subgroup && work >= SMALL && spec.k > 1 ? 2 : 1;
  return { kind: "register", lanes: side, turn, ...extent(spec, work < SMALL, lanes, shared, laned) };
}

/** Large tiles load least; but compiling one takes time, and a few large ones would leave processor cores idle. */
function extent(
  spec: MatmulSizes,
  small: boolean,
  lanes: number,
  shared: number,
  laned: number,
): { height: number; width: number } {
  const vectors = Math.ceil(laned / lanes);
  if (small) return { height: tile(shared, spec.subgroup ? 8 : 4), width: tile(vectors, 2) };
  if (!spec.subgroup) return { height: tile(shared, 16), width: tile(vectors, 8) };
  const width = vectors % 4 && vectors % 6 === 0 ? 6 : tile(vectors, shared <= 8 ? 8 : 4);
  const count = (height: number) => Math.ceil(shared / height) * Math.ceil(vectors / width) * spec.batch;
  return { height: tile(shared, count(32) < 4 ? 16 : 32), width };
}

/** Sizes that are rounded to half powers of two: measurements hold for sizes like those measured. */
export function sizeBucket(size: number): number {
  return Math.round(2 * Math.log2(size));
}

/** What tells products apart in tables of measurements. */
export type MatmulKind =
  & Pick<MatmulSpec, "batch" | "m" | "n" | "k" | "arithmetic">
  & Record<"a" | "b", Pick<MatmulOperand, "type" | "rowStride" | "colStride">>;

/** Names the kind and size of a product, for tables of measurements. */
export function matmulKey({ batch, m, n, k, a, b, arithmetic }: MatmulKind): string {
  const side = ({ type = "f32", rowStride, colStride }: MatmulKind["a"]) =>
    // How an array is bound belongs to the form
    (type === "vec4" ? "f32" : type) + (colStride === 1 ? "n" : rowStride === 1 ? "t" : "s");
  return `matmul${arithmetic === "f16" ? " in f16" : ""} ${side(a)} ${side(b)} ${
    [batch, m, n, k].map(sizeBucket).join(" ")
  }`;
}

/** Forms that are worth measuring for a product, the default first. */
export function matmulVariants(spec: MatmulSizes): MatmulVariant[] {
  const found: MatmulVariant[] = [defaultMatmulVariant(spec)];
  if (spec.target === "gpu") {
    for (const [rows, columns] of [[4, 4], [8, 4], [4, 8], [8, 8]]) {
      for (const depth of [8, 16]) {
        const form = { kind: "tiled", rows, columns, depth } as const;
        found.push(form, { ...form, vec4: false });
      }
    }
  } else {
    const wide = laneCount(spec);
    for (const lanes of ["columns", "rows"] as const) {
      const [shared, laned] = lanes === "rows" ? [spec.n, spec.m] : [spec.m, spec.n];
      for (const [high, across] of [[32, 4], [16, 8], [16, 4], [24, 4], [8, 8], [8, 2]]) {
        for (const turn of spec.k > 3 ? [2, 1, 4] : [1]) {
          if (turn * high * across > 256) continue;
          const [height, width] = [tile(shared, high), tile(Math.ceil(laned / wide), across)];
          found.push({ kind: "register", lanes, height, width, turn });
        }
      }
    }
  }
  return [...new Map(found.map((variant) => [JSON.stringify(variant), variant])).values()];
}
