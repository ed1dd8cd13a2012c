/** Summaries as tables for eyes. */
import { short } from "../run/progress.ts";

/**
 * Lays a summary out: groups of numbers become rows with common columns, single numbers lines; lists are left to JSON.
 *
 * @param summary Numbers, or groups of numbers, by name.
 * @returns Lines of text.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { summaryTable } from "./summary_table.ts";
 *
 * assertEquals(
 *   summaryTable({ before: { reward: 1 }, after: { reward: 2.5 } }),
 *   "        reward\nbefore   1.000\nafter    2.500",
 * );
 * ```
 */
export function summaryTable(summary: Readonly<Record<string, unknown>>): string {
  const isGroup = (value: unknown): value is Record<string, unknown> =>
    typeof value === "object" && value !== null && !Array.isArray(value);
  const groups = Object.entries(summary).filter((e): e is [string, Record<string, unknown>] => isGroup(e[1]));
  const columns = [...new Set(groups.flatMap(([, group]) => Object.keys(group)))];
  const text = (value: unknown) => typeof value === "number" ? short(value) : value === undefined ? "" : `${value}`;
  const cells = [["", ...columns], ...groups.map(([name, group]) => [name, ...columns.map((c) => text(group[c]))])];
  const widths = cells[0].map((_, i) => Math.max(...cells.map((row) => row[i].length)));
  const lines = cells.map((row) =>
    row.map((cell, i) => i === 0 ? cell.padEnd(widths[i]) : cell.padStart(widths[i])).join("  ").trimEnd()
  );
  const single = Object.entries(summary).filter(([, value]) => !isGroup(value) && !Array.isArray(value))
    .map(([name, value]) => `${name} ${text(value)}`);
  return [...groups.length > 0 ? lines : [], ...single].join("\n");
}
