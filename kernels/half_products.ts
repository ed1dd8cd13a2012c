/**
 * Multiplication in f16 with sums in f32, for adapters with the feature shader-f16.
 *
 * Up to `BLOCK` products of factors of 16 bits are multiplied and summed in f16, and each such sum is added in f32. WGSL
 * lets an f16 operation give either neighbour of the exact result, an error of u = 2^-10 of it at most, so a block of B
 * products x_t y_t, whose terms pass B operations at most, is off by no more than
 *
 *     ((1 + u)^B - 1) sum_t |x_t y_t|,  for B = 8 less than 2^-6.9 sum_t |x_t y_t|,
 *
 * and what adding up in f32 costs beside. That holds as long as products and sums stay within f16's normal range: what
 * exceeds 65504 is infinite, and each value below 2^-14 may count as 0.
 */

/** What factors are multiplied in. "f16" is for factors that are stored as f16, and sums blocks in f16. */
export type Arithmetic = "f32" | "f16";

/** Most products that are summed in f16. */
export const BLOCK = 8;

/** Directives at the start of a module that multiplies so. */
export function enable(arithmetic: Arithmetic | undefined): string {
  return arithmetic === "f16" ? "enable f16;\n" : "";
}

/** WGSL expression of a factor as it is multiplied, from that of its value in f32: exact where it was stored as f16. */
export function factor(value: string, arithmetic: Arithmetic | undefined): string {
  return arithmetic === "f16" ? `f16(${value})` : value;
}

/** Statements that add products to sums (f32 variables), those of one sum block by block. */
export function addBlocks(terms: readonly (readonly [sum: string, product: string])[]): string {
  const bySum = Map.groupBy(terms, ([sum]) => sum);
  return [...bySum].flatMap(([sum, products]) => {
    const blocks = Array.from({ length: Math.ceil(products.length / BLOCK) }, (_, b) => b * BLOCK);
    return blocks.map((b) => `${sum} += f32(${products.slice(b, b + BLOCK).map(([, p]) => p).join(" + ")});`);
  }).join(" ");
}

/** Throws where factors that are to be multiplied in f16 are stored otherwise. */
export function checkArithmetic(
  what: string,
  arithmetic: Arithmetic | undefined,
  operands: readonly { readonly type?: string }[],
): void {
  const other = operands.find(({ type = "f32" }) => type !== "f16");
  if (arithmetic !== "f16" || !other) return;
  throw new TypeError(`${what} multiplies in f16 a factor stored as ${other.type ?? "f32"}, expected f16`);
}
