/**
 * Checks any number of random programs on the device, and their first and second derivatives:
 *
 *     deno run -A packages/tensor/reference/soak.ts --cases 5000 --seed 1
 *
 * Ends with exit code 1 after the first ten failures, each with the smallest program that still fails.
 *
 * @module
 */
import { parseArgs } from "@std/cli/parse-args";
import { init } from "../mod.ts";
import { checkGradient } from "./check_gradient.ts";
import { checkSeed } from "./check_seed.ts";

if (import.meta.main) {
  const { cases = "1000", seed = "1" } = parseArgs(Deno.args, { string: ["cases", "seed"] });
  await init();
  const failures: string[] = [];
  let [compared, undecided, differences] = [0, 0, 0];
  for (let i = 0; i < Number(cases) && failures.length < 10; i++) {
    const n = Number(seed) + i;
    const mode = (["lazy", "gradient", "compiled"] as const)[n % 3];
    const outcome = await checkSeed(n, 4 + n % 8, mode);
    const derivatives = ([1, 2] as const).map((order) => checkGradient(n, 4 + n % 8, order));
    compared += outcome.compared;
    undecided += outcome.undecided;
    differences += derivatives[0].compared + derivatives[1].compared;
    for (const { failure } of [outcome, ...derivatives]) {
      if (failure === undefined) continue;
      failures.push(failure);
      console.log(`${failure}\n`);
    }
    if ((i + 1) % 100 === 0) console.log(`${i + 1} cases, ${failures.length} failures`);
  }
  console.log(`${compared} elements and ${differences} derivatives compared, ${undecided} undecided by rounding`);
  console.log(`${failures.length} failures from seed ${seed}`);
  if (failures.length > 0) Deno.exit(1);
}
