/** Draws a study as one SVG file: before on the left, after on the right. */
import { MODE_STD, MODES } from "./problem.ts";
import { type View, WINDOW } from "./study.ts";

/** Twice the size that is shown, so that whole numbers are fine enough. */
const PANEL = 520, GAP = 24, HEAD = 44;

/** Two panels under a title. */
export function drawStudy(title: string, before: View, after: View): string {
  const width = 2 * PANEL + 3 * GAP, height = PANEL + HEAD + 2 * GAP;
  // Both panels share a scale for their arrows: the longest tenth are cut to the same length.
  const lengths = [before, after].flatMap(({ field }) => pairs(field).map(([x, y]) => Math.hypot(x, y))).sort((a, b) =>
    a - b
  );
  const reach = lengths[Math.floor(0.9 * lengths.length)] || 1;
  const panel = (view: View, name: string, x: number) =>
    `<g transform="translate(${x} ${HEAD + GAP})"><title>${name}</title>` +
    `<rect width="${PANEL}" height="${PANEL}" fill="#fff" stroke="#ccc"/>` +
    modes() + arrows(view, reach) + dots(view) +
    `<text x="12" y="${PANEL - 12}" fill="#666">${name}</text></g>`;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width / 2}" height="${
    height / 2
  }" ` +
    `font-family="sans-serif" font-size="24"><rect width="${width}" height="${height}" fill="#fafafa"/>` +
    `<text x="${GAP}" y="${HEAD}" font-size="28">${title}</text>` +
    panel(before, "before", GAP) + panel(after, "after", PANEL + 2 * GAP) + "</svg>\n";
}

/** Two standard deviations of every mode: filled where it is asked for, dashed where it is not. */
function modes(): string {
  return MODES.map(({ at, isAskedFor }) =>
    `<circle cx="${pixel(at[0])}" cy="${pixel(-at[1])}" r="${(2 * MODE_STD * PANEL / (2 * WINDOW)).toFixed(1)}" ` +
    (isAskedFor ? 'fill="#dceefb"' : 'fill="none" stroke="#bbb" stroke-dasharray="6 6" stroke-width="2"') + "/>"
  ).join("");
}

function dots({ samples }: View): string {
  const inside = pairs(samples).filter(([x, y]) => Math.abs(x) < WINDOW && Math.abs(y) < WINDOW);
  const path = inside.map(([x, y]) => `M${pixel(x)} ${pixel(-y)}h0`).join("");
  return `<path d="${path}" stroke="#d1495b" stroke-opacity=".55" stroke-width="6" stroke-linecap="round"/>`;
}

function arrows({ grid, field }: View, reach: number): string {
  const directions = pairs(field);
  const path = pairs(grid).map(([x, y], i) => {
    const [u, v] = directions[i], length = Math.hypot(u, v);
    const size = 28 * Math.min(1, length / reach) / (length || 1);
    const [dx, dy] = [u * size, -v * size];
    const barb = (side: number) => `l${whole(-0.3 * dx + side * 0.18 * dy)} ${whole(-0.3 * dy - side * 0.18 * dx)}`;
    return `M${pixel(x)} ${pixel(-y)}l${whole(dx)} ${whole(dy)}${barb(1)}` +
      `M${whole(Number(pixel(x)) + dx)} ${whole(Number(pixel(-y)) + dy)}${barb(-1)}`;
  }).join("");
  return `<path d="${path}" stroke="#446" stroke-width="2" fill="none"/>`;
}

function whole(x: number): string {
  return x.toFixed(0);
}

function pairs(values: Float32Array): [number, number][] {
  return Array.from({ length: values.length / 2 }, (_, i) => [values[2 * i], values[2 * i + 1]]);
}

/** A coordinate in the panel. */
function pixel(x: number): string {
  return ((x / WINDOW + 1) * PANEL / 2).toFixed(0);
}
