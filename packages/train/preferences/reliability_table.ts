/** Reliability bins for eyes. */
import type { ReliabilityBin } from "@dipp/metrics";

/**
 * Bins as lines of text: how sure the model was of its winners, and how often they won.
 *
 * @param bins The bins; empty ones are left out.
 * @returns Lines with a heading.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { reliabilityTable } from "./reliability_table.ts";
 *
 * assertEquals(
 *   reliabilityTable([{ low: 0.5, high: 1, count: 3, confidence: 0.75, accuracy: 2 / 3 }]),
 *   "Held-out pairs by the probability of the predicted winner\n" +
 *     "                pairs  predicted    won\n" +
 *     "  50 % to 100 %     3     75.0 % 66.7 %",
 * );
 * ```
 */
export function reliabilityTable(bins: readonly ReliabilityBin[]): string {
  const percent = (x: number, digits: number) => `${(100 * x).toFixed(digits)} %`;
  const rows = bins.flatMap(({ low, high, count, confidence, accuracy }) =>
    confidence === null || accuracy === null
      ? []
      : [[`${percent(low, 0)} to ${percent(high, 0)}`, `${count}`, percent(confidence, 1), percent(accuracy, 1)]]
  );
  const line = ([range, count, predicted, won]: readonly string[]) =>
    `  ${range.padEnd(13)} ${count.padStart(5)} ${predicted.padStart(10)} ${won.padStart(6)}`;
  return [
    "Held-out pairs by the probability of the predicted winner",
    line(["", "pairs", "predicted", "won"]),
    ...rows.map(line),
  ].join("\n");
}
