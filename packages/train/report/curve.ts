/** Curves over the steps of a run, as SVG that stands by itself. */
import { number } from "../evaluate/format_number.ts";
import { escape } from "../evaluate/html_text.ts";

/** One line of a plot. */
export interface Series {
  /** What it is. */
  readonly label: string;
  /** Steps and values, in their order. */
  readonly points: readonly (readonly [step: number, value: number])[];
}

/** A step that is marked. */
export interface Mark {
  /** The step. */
  readonly step: number;
  /** What happened there. */
  readonly label: string;
}

/** Width of a plot that has the page to itself, and of one that shares it with another. */
export const WIDE = 640, NARROW = 380;

const HEIGHT = 240, LEFT = 56, RIGHT = 12, TOP = 28, BOTTOM = 26;

/** Text stays readable where it crosses a line. */
const HALO = "paint-order:stroke;stroke:var(--card,#fff);stroke-width:4px;stroke-linejoin:round";

/** Blue and brown: apart for the colour-blind, on light pages and dark ones. */
const COLOURS = ["#3f7fd1", "#c8702f", "#3f9a63", "#8a63c4"];

/**
 * Draws series over their steps, each in its own colour, and marks steps.
 *
 * @param title What the plot shows, for those who cannot see it.
 * @param series The lines; points that are not finite are left out.
 * @param marks Steps to mark with an upright line.
 * @param width Its width, in units of which text is 11 high.
 * @returns An `svg` element; empty where there is no point.
 *
 * @example
 * ```ts
 * import { assert, assertEquals } from "@std/assert";
 * import { curve } from "./curve.ts";
 *
 * const svg = curve("rise", [{ label: "reward", points: [[0, 1], [10, 3]] }], [{ step: 10, label: "parted" }]);
 * assert(svg.startsWith("<svg") && svg.includes(">parted</text>"));
 * assertEquals(curve("nothing", []), "");
 * ```
 */
export function curve(
  title: string,
  series: readonly Series[],
  marks: readonly Mark[] = [],
  width: number = WIDE,
): string {
  const shown = series.map((one) => ({ ...one, points: one.points.filter(([, y]) => Number.isFinite(y)) }));
  const all = shown.flatMap(({ points }) => points);
  if (all.length === 0) return "";
  const steps = range([...all.map(([x]) => x), ...marks.map(({ step }) => step)]),
    values = range(all.map(([, y]) => y));
  const x = (step: number) => LEFT + (step - steps.low) / (steps.high - steps.low) * (width - LEFT - RIGHT);
  const y = (value: number) =>
    HEIGHT - BOTTOM - (value - values.low) / (values.high - values.low) * (HEIGHT - TOP - BOTTOM);
  const text = (at: readonly [number, number], content: string, anchor: string, more = "") =>
    `<text x="${fixed(at[0])}" y="${fixed(at[1])}" text-anchor="${anchor}" fill="#75757f"${more}>${
      escape(content)
    }</text>`;
  const rows = ticks(values.low, values.high).map((value) =>
    `<line x1="${LEFT}" x2="${width - RIGHT}" y1="${fixed(y(value))}" y2="${
      fixed(y(value))
    }" stroke="#8888" stroke-width=".5"/>` +
    text([LEFT - 7, y(value) + 4], label(value), "end")
  );
  const columns = ticks(steps.low, steps.high).filter(Number.isInteger)
    .map((step) => text([x(step), HEIGHT - 8], label(step), "middle"));
  const lines = shown.map(({ label, points }, i) => {
    const path = points.map(([s, v], k) => `${k === 0 ? "M" : "L"}${fixed(x(s))} ${fixed(y(v))}`).join("");
    const dots = points.length > 40
      ? ""
      : points.map(([s, v]) =>
        `<circle cx="${fixed(x(s))}" cy="${fixed(y(v))}" r="2.6" fill="${colour(i)}"><title>${
          escape(`${label} at step ${s}: ${number(v)}`)
        }</title></circle>`
      ).join("");
    return `<path d="${path}" fill="none" stroke="${colour(i)}" stroke-width="2" stroke-linejoin="round"/>${dots}`;
  });
  const key = shown.map(({ label }, i) => {
    const at = LEFT + shown.slice(0, i).reduce((sum, one) => sum + 34 + 6.6 * one.label.length, 0);
    return `<rect x="${fixed(at)}" y="7" width="10" height="10" rx="2" fill="${colour(i)}"/>` +
      text([at + 15, 16], label, "start");
  });
  const upright = marks.map(({ step, label }, i) => {
    const isRight = x(step) > width / 2, at = x(step) + (isRight ? -5 : 5);
    return `<line x1="${fixed(x(step))}" x2="${fixed(x(step))}" y1="${TOP}" y2="${HEIGHT - BOTTOM}" stroke="#b4271f" ` +
      `stroke-width="1.5" stroke-dasharray="4 3"/>` +
      text([at, HEIGHT - BOTTOM - 8 - 14 * i], label, isRight ? "end" : "start", ` class="mark" style="${HALO}"`);
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${HEIGHT}" role="img" ` +
    `font-family="system-ui, sans-serif" font-size="11"><title>${escape(title)}</title>${
      [...rows, ...columns, ...lines, ...upright, ...key].join("")
    }</svg>`;
}

function colour(i: number): string {
  return COLOURS[i % COLOURS.length];
}

function range(values: readonly number[]): { low: number; high: number } {
  const low = Math.min(...values), high = Math.max(...values);
  return low < high ? { low, high } : { low: low - 0.5, high: high + 0.5 };
}

/** Round numbers between two others, about five. */
function ticks(low: number, high: number): number[] {
  const rough = (high - low) / 5, power = 10 ** Math.floor(Math.log10(rough));
  const step = power * ([1, 2, 5].find((m) => m * power >= rough) ?? 10);
  const first = Math.ceil(low / step - 1e-9);
  return Array.from({ length: Math.floor(high / step + 1e-9) - first + 1 }, (_, k) => (first + k) * step);
}

function label(value: number): string {
  return `${Number(value.toPrecision(3))}`.replace("-", "\u2212");
}

function fixed(value: number): string {
  return value.toFixed(1);
}
