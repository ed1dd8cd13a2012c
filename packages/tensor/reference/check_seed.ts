/** From a seed to a verdict, with the smallest program that fails. */
import { isFloat } from "../dtype.ts";
import { sizeOf } from "../shape.ts";
import { checkProgram, makeLeaf, type Mode, type Outcome } from "./check_program.ts";
import type { Program } from "./program.ts";
import { build, print, randomProgram } from "./random_program.ts";

/**
 * Draws the program of a seed, runs it, and makes it smaller where it fails.
 *
 * @returns The failure with the smallest program that still fails, or the counts.
 */
export async function checkSeed(seed: number, length: number, mode: Mode): Promise<Outcome> {
  const program = randomProgram(seed, length, makeLeaf);
  const outcome = await attempt(program, mode);
  if (!outcome.failure) return outcome;
  const [smaller, failure] = await shrink(program, outcome.failure, mode);
  return { ...outcome, failure: `Seed ${seed}, ${length} operations, ${mode}: ${failure}\n${print(smaller)}` };
}

async function attempt(program: Program, mode: Mode): Promise<Outcome> {
  try {
    return await checkProgram(program, mode);
  } catch (error) {
    return { failure: `${error}`, compared: 0, undecided: 0 };
  }
}

/** Asks for less and replaces computed tensors by leaves, as long as the program fails. */
async function shrink(program: Program, failure: string, mode: Mode): Promise<[Program, string]> {
  let best: [Program, string] = [program, failure];
  const attemptSmaller = async (candidate: Program): Promise<boolean> => {
    const outcome = await attempt(candidate, mode);
    if (outcome.failure) best = [candidate, outcome.failure];
    return outcome.failure !== undefined;
  };
  for (const only of program.wanted) if (await attemptSmaller({ ...program, wanted: [only] })) break;
  for (let i = program.steps.length - 1; i >= 0; i--) {
    const [{ steps, wanted }] = best;
    if (steps[i].kind === "leaf" || wanted.includes(i)) continue;
    const shown = build(best[0], makeLeaf)[i];
    const { shape, dtype } = shown;
    const values = Array.from({ length: sizeOf(shape) }, (_, j) => isFloat(dtype) ? Math.sin(1 + 7 * j) : j % 2);
    await attemptSmaller({ wanted, steps: steps.map((s, j) => j === i ? { kind: "leaf", shape, dtype, values } : s) });
  }
  return best;
}
