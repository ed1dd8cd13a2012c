import type { Comparison } from "./compare.ts";
import type { Result } from "./run.ts";

/** How many cases passed, failed and were skipped. */
export interface Counts {
  /** Every tensor is within its bound. */
  readonly passed: number;
  /** A tensor is not, or the case could not be run. */
  readonly failed: number;
  /** Nothing here computes them. */
  readonly skipped: number;
}

/** Everything about a run, as `--json` prints it. */
export interface Report extends Counts {
  /** The same, by area. */
  readonly areas: Readonly<Record<string, Counts>>;
  /** Every case. */
  readonly cases: readonly Result[];
}

/** Counts results. */
export function count(results: readonly Result[]): Counts {
  const of = (status: Result["status"]) => results.filter((one) => one.status === status).length;
  return { passed: of("passed"), failed: of("failed"), skipped: of("skipped") };
}

/** Everything about a run. */
export function reportOf(cases: readonly Result[]): Report {
  const areas = Map.groupBy(cases, ({ area }) => area);
  return {
    ...count(cases),
    areas: Object.fromEntries([...areas].map(([area, some]) => [area, count(some)])),
    cases,
  };
}

/** The report as one line of JSON; what is not finite becomes a string, as JSON has no word for it. */
export function toJson(report: Report): string {
  return JSON.stringify(
    report,
    (_, value) => typeof value === "number" && !Number.isFinite(value) ? String(value) : value,
  );
}

/** The closing line. */
export function summary({ passed, failed, skipped }: Counts): string {
  return `${passed} passed, ${failed} failed, ${skipped} skipped`;
}

/** What to print of a case: nothing where it passed. */
export function lineOf(result: Result): string | undefined {
  if (result.status === "passed") return undefined;
  const detail = result.reason ?? describe(result.tensors);
  return `${result.status} ${result.case}: ${detail}`;
}

/** The worst tensor of a failed case, and how many more are wrong. */
function describe(tensors: readonly Comparison[]): string {
  const wrong = tensors.filter(({ passed }) => !passed);
  const excess = ({ error, bound }: Comparison) => error === undefined ? Infinity : error / bound!;
  const worst = wrong.reduce((a, b) => excess(b) > excess(a) ? b : a);
  const { tensor, problem, error, bound, index, got, expected } = worst;
  const others = wrong.length === 1 ? "" : `; ${wrong.length - 1} more of its ${tensors.length} tensors are wrong`;
  const text = problem ??
    `error ${error!.toExponential(2)} at [${index}], bound ${bound}: got ${got}, expected ${expected}`;
  return `${tensor}: ${text}${others}`;
}

/** A line for each area. */
export function areaLines({ areas }: Report): string[] {
  const width = Math.max(...Object.keys(areas).map((area) => area.length));
  return Object.entries(areas).map(([area, counts]) => `${area.padEnd(width)}  ${summary(counts)}`);
}
