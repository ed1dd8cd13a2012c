/** The table that the measurements make. */
import type { Cell, Line } from "./measure.ts";

/** The best peer of a line and how many times longer than dipp it took. */
export function bestPeer(line: Line, of: (cell: Cell) => number | undefined = (c) => c.ms): number | undefined {
  const { dipp, ...peers } = line.cells;
  const own = dipp && of(dipp);
  const times = Object.values(peers).map(of).filter((ms) => ms !== undefined);
  return own === undefined || times.length === 0 ? undefined : Math.min(...times) / own;
}

/** The name of the line with a row's JavaScript. */
export function hostName(row: string): string {
  return `JavaScript of one ${row}`;
}

/** Lines with the JavaScript of a run in place of its time. */
export function hostLines(lines: readonly Line[]): Line[] {
  return lines.filter((line) => Object.values(line.cells).some((c) => c.hostMs !== undefined)).map((line) => ({
    name: hostName(line.name),
    target: 1,
    cells: Object.fromEntries(
      Object.entries(line.cells).map(([adapter, { hostMs: ms, dispatches, ...rest }]) => {
        const note = ms && dispatches ? `${(1000 * ms / dispatches).toFixed(1)} us x ${dispatches}` : undefined;
        return [adapter, { ...rest, dispatches, ms, note }];
      }),
    ),
  }));
}

/**
 * A Markdown table: times in milliseconds, the ratio of the best peer to dipp, and the ratio to reach where it is
 * missed; reasons below it.
 *
 * @param lines The measurements.
 * @param names The implementations by adapter, in the order of the columns.
 * @param ratioTitle What the last column is called.
 */
export function table(
  lines: readonly Line[],
  names: Readonly<Record<string, string>>,
  ratioTitle = "best peer / dipp",
): string {
  const adapters = Object.keys(names);
  const head = ["row", ...Object.values(names).map((name) => `${name}, ms`), "dipp, GFLOP/s", ratioTitle];
  const body = lines.map((line) => {
    const { dipp } = line.cells;
    const rate = line.flops && dipp?.ms ? (line.flops / dipp.ms / 1e6).toFixed(1) : "";
    return [line.name, ...adapters.map((a) => shown(line.cells[a])), rate, ratio(line)];
  });
  const widths = head.map((title, i) => Math.max(title.length, ...body.map((cells) => cells[i].length)));
  const row = (cells: readonly string[]) =>
    `| ${cells.map((c, i) => i === 0 ? c.padEnd(widths[i]) : c.padStart(widths[i])).join(" | ")} |`;
  const rule = `| ${widths.map((w, i) => i === 0 ? "-".repeat(w) : "-".repeat(w - 1) + ":").join(" | ")} |`;
  return [row(head), rule, ...body.map(row), ...notes(lines, names)].join("\n");
}

function shown(cell: Cell | undefined): string {
  if (!cell) return "-";
  if (cell.ms === undefined) return cell.mark ?? "-";
  const text = cell.ms >= 100 ? cell.ms.toFixed(0) : cell.ms.toPrecision(3);
  return cell.note ? `${text} (${cell.note})` : text;
}

function ratio(line: Line): string {
  const times = bestPeer(line);
  if (times === undefined) return "";
  const text = times >= 100 ? times.toFixed(0) : times.toPrecision(times >= 10 ? 3 : 2);
  return times < line.target ? `${text} (below ${line.target})` : text;
}

function notes(lines: readonly Line[], names: Readonly<Record<string, string>>): string[] {
  const reasons = new Map<string, string[]>();
  for (const { name, cells } of lines) {
    for (const [adapter, { mark, reason }] of Object.entries(cells)) {
      if (!reason) continue;
      const note = `${names[adapter]}, ${mark === "-" ? "not measured" : mark}: ${reason}`;
      reasons.set(note, [...(reasons.get(note) ?? []), name]);
    }
  }
  if (reasons.size === 0) return [];
  return ["", ...[...reasons].map(([note, rows]) => `- ${note} (${rows.join("; ")})`)];
}
