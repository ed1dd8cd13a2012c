/** Histograms as SVG. */
import { number } from "./format_number.ts";

const WIDTH = 400, HEIGHT = 140, LEFT = 6, RIGHT = 6, TOP = 8, BOTTOM = 22, BINS = 24;

/**
 * Draws how scores are spread; a second run is an outline over the first run's bars.
 *
 * @param scores Scores of this run's images.
 * @param other Scores of the other run's.
 * @returns An `svg` element; its colours come from the page's style.
 */
export function histogram(scores: readonly number[], other?: readonly number[]): string {
  const all = [...scores, ...other ?? []];
  let [low, high] = [Math.min(...all), Math.max(...all)];
  if (low === high) [low, high] = [low - 0.5, high + 0.5];
  const bins = (of: readonly number[]) => {
    const counts = new Array<number>(BINS).fill(0);
    for (const x of of) counts[Math.min(BINS - 1, Math.floor((x - low) / (high - low) * BINS))]++;
    return counts.map((n) => n / of.length);
  };
  const [own, theirs] = [bins(scores), other ? bins(other) : []];
  const most = Math.max(...own, ...theirs);
  const width = (WIDTH - LEFT - RIGHT) / BINS, base = HEIGHT - BOTTOM;
  const x = (value: number) => LEFT + (value - low) / (high - low) * (WIDTH - LEFT - RIGHT);
  const y = (share: number) => base - share / most * (base - TOP);
  const edge = (bin: number) => number(low + bin * (high - low) / BINS);
  const bars = own.map((share, i) =>
    share === 0
      ? ""
      : `<rect class="bar" x="${fixed(LEFT + i * width + 1)}" y="${fixed(y(share))}" width="${
        fixed(width - 2)
      }" height="${fixed(base - y(share))}" rx="1.5"><title>${edge(i)} to ${edge(i + 1)}: ${
        number(100 * share)
      } % of images</title></rect>`
  ).join("");
  const outline = theirs.length === 0
    ? ""
    : `<path class="step" d="M${LEFT} ${base}${
      theirs.map((share, i) => `V${fixed(y(share))}H${fixed(LEFT + (i + 1) * width)}`).join("")
    }V${base}"/>`;
  const mean = (of: readonly number[]) => of.reduce((a, b) => a + b, 0) / of.length;
  const line = (of: readonly number[], whose: string) => {
    const at = fixed(x(mean(of)));
    return `<line class="mean ${whose}" x1="${at}" x2="${at}" y1="${TOP}" y2="${base}"><title>mean ${
      number(mean(of))
    }</title></line>`;
  };
  const labels = ticks(low, high).map((value) =>
    `<text x="${fixed(x(value))}" y="${HEIGHT - 6}" text-anchor="middle">${
      Number(value.toPrecision(3)).toString().replace("-", "\u2212")
    }</text>`
  ).join("");
  return `<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img">${bars}${outline}${line(scores, "this")}${
    other ? line(other, "other") : ""
  }<line class="axis" x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${base}" y2="${base}"/>${labels}</svg>`;
}

/** Round numbers between two others, about four of them, none where its text would be cut off. */
function ticks(low: number, high: number): number[] {
  const rough = (high - low) / 4;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * ([1, 2, 5].find((m) => m * power >= rough) ?? 10);
  const margin = 0.03 * (high - low);
  const first = Math.ceil((low + margin) / step);
  const count = Math.max(0, Math.floor((high - margin) / step) - first + 1);
  return Array.from({ length: count }, (_, k) => (first + k) * step);
}

function fixed(value: number): string {
  return value.toFixed(1);
}
