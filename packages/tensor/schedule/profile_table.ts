/** A measured plan in letters. */
import type { KernelTime } from "../runtime/profile.ts";
import { binary, columns, decimal, names } from "./plan_table.ts";

/** One row for all kernels that are alike, the costliest first, at most `top` of them; then the sums. */
export function profileTable(
  times: readonly KernelTime[],
  seconds: number,
  stepSeconds: number,
  top: number,
): string {
  const shown = times.slice(0, top);
  const rest = times.slice(top);
  const rate = (amount: number, seconds: number) =>
    amount > 0 && seconds > 0 ? `${(amount / seconds / 1e9).toPrecision(3)}` : "";
  const row = (list: readonly KernelTime[], label: string, fused: string) => {
    const total = (of: (t: KernelTime) => number) => list.reduce((n, t) => n + of(t), 0);
    const [time, flops, bytes] = [total((t) => t.seconds), total((t) => t.flops), total((t) => t.bytes)];
    return [
      (time * 1e3).toFixed(2),
      `${(100 * time / seconds).toFixed(1)} %`,
      `${total((t) => t.count)}`,
      decimal(flops),
      binary(bytes),
      rate(flops, time),
      rate(bytes, time),
      label,
      fused,
    ];
  };
  const lines = columns([
    ["ms", "share", "runs", "flop", "moved", "GFLOP/s", "GB/s", "kernel", "computes"],
    ...shown.map((t) => row([t], t.label, names(t.fused))),
    ...(rest.length > 0 ? [row(rest, `${rest.length} others`, "")] : []),
    row(times, "all", ""),
  ]);
  return [
    ...lines,
    "",
    `${(stepSeconds * 1e3).toPrecision(4)} ms a step where nothing is timed inside it, ` +
    `${rate(times.reduce((n, t) => n + t.flops, 0), stepSeconds)} GFLOP/s`,
  ].join("\n");
}
