/**
 * Every objective on a mixture in the plane: three Gaussians are asked for, three belong to another class, and the
 * reward likes what is on the right. One SVG file each, with samples and the directions in which the objective moves
 * them, before and after; and a table.
 *
 *     deno run --allow-read --allow-write --allow-env examples/mixture/main.ts --out runs/mixture
 *     deno run --allow-read --allow-write --allow-env examples/mixture/main.ts --objective sds --out runs/mixture
 *
 * @module
 */
import { parseArgs } from "@std/cli/parse-args";
import { census } from "./problem.ts";
import { STUDIES } from "./studies.ts";
import { DEFAULTS, study } from "./study.ts";
import { drawStudy } from "./svg.ts";

const args = parseArgs(Deno.args, { string: ["objective", "out", "steps", "seed"], boolean: ["help"] });
if (args.help || !args.out) {
  console.log(`main.ts --out DIR [--objective ${Object.keys(STUDIES).join("|")}] [--steps N] [--seed N]`);
  Deno.exit(args.help ? 0 : 2);
}
const names = args.objective === undefined ? Object.keys(STUDIES) : [args.objective];
const options = {
  ...DEFAULTS,
  steps: number("steps", DEFAULTS.steps, 1),
  seed: number("seed", DEFAULTS.seed, 0),
};
await Deno.mkdir(args.out, { recursive: true });
console.log("| study | at the three modes | at the others | spread | reward | seconds |\n|---|---|---|---|---|---|");
for (const name of names) {
  const chosen = STUDIES[name];
  if (!chosen) throw new RangeError(`--objective is "${name}", expected one of ${Object.keys(STUDIES).join(", ")}`);
  const { before, after, seconds } = await study(chosen.config, options);
  await Deno.writeTextFile(`${args.out}/${name}.svg`, drawStudy(chosen.title, before, after));
  const { modes, wrong, spread, reward } = census(after.samples);
  const shares = modes.map((share) => share.toFixed(2)).join(" ");
  console.log(
    `| ${name} | ${shares} | ${wrong.toFixed(2)} | ${spread.toFixed(2)} | ${reward.toFixed(2)} | ${
      seconds.toFixed(0)
    } |`,
  );
}

function number(name: "steps" | "seed", fallback: number, least: number): number {
  const value = args[name] === undefined ? fallback : Number(args[name]);
  if (Number.isInteger(value) && value >= least) return value;
  throw new RangeError(`--${name} is "${args[name]}", expected a whole number from ${least} up`);
}
