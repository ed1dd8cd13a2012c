/** Tensors as text, the way NumPy prints arrays. */
import { isFloat, type TypedArray } from "./dtype.ts";
import type { Tensor } from "./tensor.ts";

/** Settings of printing, named as in `numpy.set_printoptions`. */
export interface FormatOptions {
  /** Most digits after the point; 8 by default. */
  readonly precision?: number;
  /** Elements above which only the edges are shown; 1000 by default. */
  readonly threshold?: number;
  /** Elements shown at each edge; 3 by default. */
  readonly edgeItems?: number;
  /** Characters in a line, above which it is broken; 75 by default. */
  readonly lineWidth?: number;
}

/** Shortest decimal digits that name an f32, in scientific form: digits and exponent. */
function shortest(x: number): string {
  for (let digits = 0; digits < 9; digits++) {
    const text = x.toExponential(digits);
    if (Math.fround(Number(text)) === x) return text;
  }
  return x.toExponential(8);
}

/** Texts of finite floats, aligned at the point; NumPy's choice between fixed and scientific notation. */
function floatTexts(values: readonly number[], precision: number): string[] {
  const finite = values.filter(Number.isFinite);
  const sizes = finite.map(Math.abs).filter((v) => v > 0);
  const [largest, smallest] = [Math.max(0, ...sizes), Math.min(Infinity, ...sizes)];
  const scientific = sizes.length > 0 && (largest >= 1e8 || smallest < 1e-4 || largest / smallest > 1000);
  const digits = (v: number): number => {
    const [mantissa, exponent] = shortest(v).split("e");
    const after = mantissa.replace("-", "").length - (mantissa.includes(".") ? 2 : 1);
    return Math.min(precision, Math.max(0, scientific ? after : after - Number(exponent)));
  };
  const places = Math.max(0, ...finite.map(digits));
  const plain = (v: number): string => {
    if (Number.isNaN(v)) return "nan";
    if (!Number.isFinite(v)) return v > 0 ? "inf" : "-inf";
    const minus = Object.is(v, -0) ? "-" : "";
    if (scientific) {
      const [mantissa, exponent] = v.toExponential(places).split("e");
      const sign = exponent[0];
      return `${minus}${mantissa}${places ? "" : "."}e${sign}${exponent.slice(1).padStart(2, "0")}`;
    }
    const [whole, fraction = ""] = v.toFixed(digits(v)).split(".");
    return `${minus}${whole}.${fraction.replace(/0+$/, "").padEnd(places)}`;
  };
  return values.map(plain);
}

/** Positions of an axis to print; -1 stands for what is left out. */
function shown(n: number, edge: number, summarise: boolean): number[] {
  const all = Array.from({ length: n }, (_, i) => i);
  return summarise && n > 2 * edge ? [...all.slice(0, edge), -1, ...all.slice(n - edge)] : all;
}

/**
 * The elements as NumPy prints them. Computes and reads back what is needed.
 *
 * @param x The tensor.
 * @param options How much to print.
 *
 * @example
 * ```ts
 * import { format, tensor } from "@dipp/tensor";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(await format(tensor([[1, 2.5], [-3, 40]])), "[[ 1.   2.5]\n [-3.  40. ]]");
 * ```
 */
export async function format(x: Tensor, options: FormatOptions = {}): Promise<string> {
  const { precision = 8, threshold = 1000, edgeItems = 3, lineWidth = 75 } = options;
  const data = await x.data();
  const summarise = x.size > threshold;
  const rows = x.shape.map((n) => shown(n, edgeItems, summarise));
  const picked: number[] = [];
  const collect = (axis: number, start: number): void => {
    if (axis === x.ndim) return void picked.push(start);
    for (const i of rows[axis]) if (i >= 0) collect(axis + 1, start * x.shape[axis] + i);
  };
  collect(0, 0);
  const texts = elementTexts(x, picked.map((i) => data[i]), precision);
  const width = Math.max(0, ...texts.map((t) => t.length));
  let next = 0;
  const block = (axis: number): string => {
    if (axis === x.ndim) return texts[next++].padStart(width);
    const parts = rows[axis].map((i) => i < 0 ? "..." : block(axis + 1));
    const indent = " ".repeat(axis + 1);
    if (axis < x.ndim - 1) return `[${parts.join("\n".repeat(x.ndim - 1 - axis) + indent)}]`;
    const lines = [""];
    for (const part of parts) {
      const line = lines[lines.length - 1];
      const longer = line ? `${line} ${part}` : part;
      if (line && indent.length + longer.length >= lineWidth) lines.push(part);
      else lines[lines.length - 1] = longer;
    }
    return `[${lines.join(`\n${indent}`)}]`;
  };
  return x.ndim === 0 ? texts[0].trim() : block(0);
}

function elementTexts({ dtype }: Tensor, values: readonly TypedArray[number][], precision: number): string[] {
  if (dtype === "bool") return values.map((v) => v ? "True" : "False");
  return isFloat(dtype) ? floatTexts(values, precision) : values.map(String);
}
