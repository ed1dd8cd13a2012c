/** A plan in letters. */
import { show } from "../shape.ts";
import type { KernelFacts, MemoryFacts, PlanTotals } from "./explanation.ts";

/** Longest list of fused operations that a row shows. */
const LONGEST = 48;

/** Columns of text, each as wide as its widest cell. */
export function columns(rows: readonly (readonly string[])[]): string[] {
  const widths = rows[0].map((_, c) => Math.max(...rows.map((row) => row[c].length)));
  return rows.map((row) => row.map((cell, c) => cell.padEnd(widths[c])).join("  ").trimEnd());
}

/** One row a kernel, then the sums. */
export function planTable(kernels: readonly KernelFacts[], totals: PlanTotals, memory: MemoryFacts): string {
  const rows = kernels.map((k, i) => [
    `${i}`,
    k.kind,
    show(k.output.shape),
    decimal(k.flops),
    binary(k.inputs.reduce((n, t) => n + t.bytes, 0)),
    binary(k.output.bytes),
    typeof k.buffer === "number" ? `#${k.buffer}` : k.inPlace ? "in place" : k.buffer,
    `${k.recomputed ? "again: " : ""}${names(k.fused)}`,
  ]);
  const lines = columns([["", "kernel", "writes", "flop", "read", "written", "buffer", "computes"], ...rows]);
  const { given, outputs, shared, unshared, least, peak } = memory;
  const bytes = (list: readonly number[]) => `${binary(list.reduce((a, b) => a + b, 0))} in ${list.length} buffers`;
  const again = totals.recomputedFlops > 0 ? `, ${decimal(totals.recomputedFlops)} of them again` : "";
  return [
    ...lines,
    "",
    `${totals.dispatches} dispatches and ${totals.copies} copies: ${decimal(totals.flops)} flop${again}, ` +
    `${binary(totals.bytesMoved)} moved`,
    `peak memory ${binary(peak)}: given ${bytes(given)}, outputs ${bytes(outputs)}, intermediates ${bytes(shared)} ` +
    `(${binary(unshared)} unshared, at least ${binary(least)})`,
  ].join("\n");
}

/** Consecutive repetitions are counted, a long list is cut in its middle. */
export function names(list: readonly string[]): string {
  const runs: [string, number][] = [];
  for (const name of list) {
    const last = runs.at(-1);
    if (last?.[0] === name) last[1]++;
    else runs.push([name, 1]);
  }
  const text = runs.map(([name, n]) => n > 1 ? `${name} x${n}` : name).join(", ");
  return text.length <= LONGEST ? text : `${text.slice(0, LONGEST / 2)} ... ${text.slice(-LONGEST / 2)}`;
}

/** A number with the prefix of a power of 1000. */
export function decimal(n: number): string {
  return scaled(n, 1000, ["", " k", " M", " G", " T"]);
}

/** Bytes with the prefix of a power of 1024. */
export function binary(n: number): string {
  return scaled(n, 1024, [" B", " KiB", " MiB", " GiB", " TiB"]);
}

function scaled(n: number, base: number, units: readonly string[]): string {
  const i = n < base ? 0 : Math.min(units.length - 1, Math.floor(Math.log(n) / Math.log(base)));
  const value = n / base ** i;
  return `${i === 0 || value >= 100 ? Math.round(value) : value.toPrecision(3)}${units[i]}`;
}
