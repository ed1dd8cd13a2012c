/** A dry run in words and tables. */
import type { DryRun, PhaseFacts } from "./dry_run.ts";
import { showBytes, showCount } from "./quantities.ts";
import type { Saving } from "./savings.ts";

/** What is known beside the plan. */
export interface DryRunSetting {
  /** Memory that there is, in bytes; undefined where nobody knows. */
  readonly memoryBytes: number | undefined;
  /** Whose memory that is. */
  readonly memorySource: string;
  /** Operations a second. */
  readonly rate: number;
  /** Where the rate is from. */
  readonly rateSource: string;
  /** What to change; empty where it fits. */
  readonly savings: readonly Saving[];
}

/**
 * Describes a dry run.
 *
 * @param run The dry run.
 * @param setting What is known beside it.
 * @returns Lines for a person.
 */
export function dryRunReport(run: DryRun, setting: DryRunSetting): string {
  const { networks, phases, step, peakBytes, meanFlops } = run;
  const bytes = (values: readonly number[]) => showBytes(values.reduce((a, b) => a + b, 0));
  const seconds = meanFlops / setting.rate;
  const parameters = table([
    ["network", "parameters", "stored", "optimiser"],
    ...networks.map((n) => [
      `${n.name}${n.isLearned ? "" : ", frozen"}`,
      showCount(n.parameters),
      showBytes(n.bytes),
      n.isLearned ? showBytes(n.optimizerBytes) : "",
    ]),
  ]);
  const work = table([
    ["phase", "operations", "of them again", "kernels", "moved", "activations and other intermediates"],
    ...[...phases, step].map((p: PhaseFacts) => [
      p.name,
      showCount(p.flops),
      p.recomputedFlops === 0 ? "" : showCount(p.recomputedFlops),
      `${p.dispatches}`,
      showBytes(p.bytesMoved),
      showBytes(p.intermediateBytes),
    ]),
  ]);
  const memory = table([
    ["memory", ""],
    ["parameters that learn", bytes(networks.filter((n) => n.isLearned).map((n) => n.bytes))],
    ["optimiser: moments, averages", bytes(networks.map((n) => n.optimizerBytes))],
    ["parameters that are frozen", bytes(networks.filter((n) => !n.isLearned).map((n) => n.bytes))],
    ["activations and other intermediates", showBytes(step.intermediateBytes)],
    ["peak of a step, inputs included", showBytes(peakBytes)],
  ]);
  return [
    ...parameters,
    "",
    ...work,
    "",
    ...memory,
    "",
    ...fit(peakBytes, setting),
    `At ${showCount(setting.rate)}FLOP/s (${setting.rateSource}) a step takes ${showSeconds(seconds)}: ` +
    `${(1 / seconds).toPrecision(3)} steps a second`,
  ].join("\n");
}

function fit(peak: number, { memoryBytes, memorySource, savings }: DryRunSetting): string[] {
  if (memoryBytes === undefined) return [`Memory: ${memorySource}`];
  const what = `${showBytes(memoryBytes)} (${memorySource})`;
  if (peak <= memoryBytes) return [`It fits into ${what}: ${showBytes(memoryBytes - peak)} to spare`];
  const last = savings.at(-1)?.peakBytes ?? peak;
  return [
    `It does not fit into ${what}: ${showBytes(peak - memoryBytes)} are missing`,
    ...(savings.length > 0 ? ["What saves memory, each on top of those above it:", ...table(savings.map(row))] : []),
    last <= memoryBytes ? "With these it fits" : `It takes a device of ${showBytes(last)} at least`,
  ];
}

function row({ sets, price, peakBytes }: Saving): string[] {
  const quote = (set: string) => /^[\w.=]+$/.test(set) ? set : `'${set}'`;
  return [`  ${sets.map((set) => `--set ${quote(set)}`).join(" ")}`, `peak ${showBytes(peakBytes)}`, price];
}

function showSeconds(seconds: number): string {
  if (seconds >= 120) return `${(seconds / 60).toPrecision(3)} min`;
  return seconds >= 1 ? `${seconds.toPrecision(3)} s` : `${(1000 * seconds).toPrecision(3)} ms`;
}

/** Rows in columns, the first and the last from the left, numbers from the right. */
function table(rows: readonly (readonly string[])[]): string[] {
  const widths = rows[0].map((_, i) => Math.max(...rows.map((row) => row[i].length)));
  const isWords = (i: number) => i === 0 || i === widths.length - 1 && rows.some((row) => / [a-z]+ /.test(row[i]));
  return rows.map((row) =>
    row.map((cell, i) => isWords(i) ? cell.padEnd(widths[i]) : cell.padStart(widths[i])).join("  ").trimEnd()
  );
}
