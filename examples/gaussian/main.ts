/**
 * Problems whose optimum is known in closed form: a table of the mean and variance that a linear generator reaches,
 * beside the analytic ones. Exits with 1 when one of them is missed by more than 2 %.
 *
 *     deno run --allow-read --allow-env examples/gaussian/main.ts                              # every reference case
 *     deno run --allow-read --allow-env examples/gaussian/main.ts --family                     # one of each objective
 *     deno run --allow-read --allow-env examples/gaussian/main.ts --alpha 1 --alpha-cfg 0.5    # one of your own
 *
 * @module
 */
import { parseArgs } from "@std/cli/parse-args";
import { align, DEFAULTS } from "./align.ts";
import { optimum } from "./optimum.ts";
import {
  closedFormCase,
  closedFormNames,
  familyProblems,
  type Gaussian,
  type GaussianProblem,
  gaussianProblem,
} from "./problem.ts";

/** How far mean and variance may be off. */
const TOLERANCE = 0.02;

const args = parseArgs(Deno.args, {
  string: ["alpha", "alpha-cfg", "steps", "seed", "case"],
  boolean: ["family", "help"],
});
if (args.help) {
  console.log("main.ts [--alpha A] [--alpha-cfg A] | [--case NAME] | [--family]   [--steps N] [--seed N]");
  Deno.exit(0);
}

const options = {
  ...DEFAULTS,
  steps: number("steps", DEFAULTS.steps),
  seed: number("seed", DEFAULTS.seed),
};
let missed = 0;
console.log("problem                       coordinate      mean  analytic  variance  analytic     error");
for (const { problem, solution } of problems()) {
  const reached = await align(problem, options);
  const error = Math.max(
    relative(reached.mean, solution.mean),
    relative(reached.variance, solution.variance, problem.reference.variance),
  );
  if (!(error <= TOLERANCE)) missed++;
  solution.mean.forEach((mean, i) => {
    const cells = [reached.mean[i], mean, reached.variance[i], solution.variance[i]].map((x) =>
      x.toFixed(4).padStart(10)
    );
    const verdict = i === 0 ? `${(100 * error).toFixed(2)} %`.padStart(10) + (error <= TOLERANCE ? "" : " MISSED") : "";
    console.log(`${(i === 0 ? problem.name : "").padEnd(30)}${String(i).padStart(10)}${cells.join("")}${verdict}`);
  });
}
if (missed > 0) {
  console.error(`${missed} of the problems are off by more than ${100 * TOLERANCE} %`);
  Deno.exit(1);
}

/** What the command line asks for. */
function problems(): { problem: GaussianProblem; solution: Gaussian }[] {
  if (args.alpha !== undefined || args["alpha-cfg"] !== undefined) {
    const problem = gaussianProblem(number("alpha", 0), number("alpha-cfg", 0));
    return [{ problem, solution: optimum(problem) }];
  }
  if (args.family) return familyProblems().map((problem) => ({ problem, solution: optimum(problem) }));
  return (args.case ? [args.case] : closedFormNames()).map(closedFormCase);
}

/**
 * Largest deviation, relative to the value or to the root mean square of all of them where that is larger; relative to
 * `scale` where they are zero.
 */
function relative(actual: readonly number[], expected: readonly number[], scale = expected): number {
  const by = expected.some((x) => x !== 0) ? expected : scale;
  const rms = Math.sqrt(by.reduce((s, x) => s + x * x, 0) / by.length);
  return Math.max(...expected.map((x, i) => Math.abs(actual[i] - x) / Math.max(Math.abs(x), rms)));
}

function number(name: "alpha" | "alpha-cfg" | "steps" | "seed", fallback: number): number {
  const text = args[name];
  const value = text === undefined ? fallback : Number(text);
  if (!Number.isFinite(value) || value < 0) throw new RangeError(`--${name} is "${text}", expected a number from 0 up`);
  return value;
}
