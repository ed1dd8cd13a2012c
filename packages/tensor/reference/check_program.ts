/** Runs random programs on the device and compares with what they mean. */
import { compile, grad, realize, type Tensor, tensor } from "../mod.ts";
import { isFloat, isHalf } from "../dtype.ts";
import { Dice } from "./dice.ts";
import { evaluate } from "./interpreter.ts";
import { leafValues, nodesBelow } from "./leaves.ts";
import type { LeafStep, Program } from "./program.ts";
import { build } from "./random_program.ts";

/** How a program runs on the device. */
export type Mode = "lazy" | "gradient" | "compiled";

/** What a comparison came to. */
export interface Outcome {
  /** The first difference that rounding does not explain, in words. */
  readonly failure?: string;
  /** Elements compared. */
  readonly compared: number;
  /** Elements that rounding decides (a comparison of equals, a quotient of zeros) and no comparison can judge. */
  readonly undecided: number;
}

/** Relative size of the disturbances that stand for rounding. */
const ROUNDING = 1e-6;
/** The same where 16-bit tensors take part, which a kernel may or may not store. */
const HALF_ROUNDING = 4e-3;
/** Times that a difference may exceed what the disturbances cause. */
const MARGIN = 20;
/** Disturbed evaluations. */
const TRIALS = 6;
/** Part of the scale below which no difference counts. */
const FLOOR = 2e-5;

/** A leaf with its values. */
export const makeLeaf = ({ values, shape, dtype }: LeafStep): Tensor =>
  tensor(Float32Array.from(values), [...shape], dtype);

/** What a program asks the device for: its wanted tensors, or their gradients in its first leaves too. */
function targets(program: Program, tensors: readonly Tensor[], mode: Mode): Tensor[] {
  const wanted = program.wanted.map((i) => tensors[i]);
  if (mode !== "gradient") return wanted;
  const leaves = program.steps.flatMap((s, i) => s.kind === "leaf" && s.dtype === "f32" ? [tensors[i]] : []);
  const ends = wanted.filter((t) => t.dtype === "f32" && t.size > 0);
  if (ends.length === 0 || leaves.length === 0) return wanted;
  const loss = ends.map((t) => t.mul(cosines(t)).sum().reshape([])).reduce((a, b) => a.add(b));
  return [...wanted, ...grad(loss, leaves)];
}

/** Weights that differ from element to element and from shape to shape. */
function cosines(t: Tensor): Tensor {
  return tensor(Float32Array.from({ length: t.size }, (_, i) => Math.cos(1 + 2.4 * i)), [...t.shape]);
}

/** Compares one program. */
export async function checkProgram(program: Program, mode: Mode): Promise<Outcome> {
  const asked = targets(program, build(program, makeLeaf), mode);
  const nodes = nodesBelow(asked);
  const given = leafValues(nodes);
  const size = nodes.some((t) => isHalf(t.dtype)) ? HALF_ROUNDING : ROUNDING;
  const expected = evaluate(asked, { given });
  const wobble = expected.map((x) => new Float64Array(x.length));
  for (let trial = 0; trial < TRIALS; trial++) {
    const dice = new Dice(trial + 1);
    const disturb = (x: number) => x * (1 + size * (dice.roll(2001) / 1000 - 1));
    evaluate(asked, { given, disturb }).forEach((values, k) =>
      values.forEach((x, i) => {
        const change = Math.abs(x - expected[k][i]);
        wobble[k][i] = Number.isNaN(change) ? Infinity : Math.max(wobble[k][i], change);
      })
    );
  }
  const actual = await run(program, asked, mode);
  return compare(asked, actual, expected, wobble);
}

async function run(program: Program, asked: readonly Tensor[], mode: Mode): Promise<ArrayLike<number>[]> {
  if (mode !== "compiled") {
    await realize(...asked);
    return await Promise.all(asked.map((t) => t.data()));
  }
  const leaves = program.steps.flatMap((s) => s.kind === "leaf" ? [s] : []);
  const step = compile((inputs: Tensor[]) => {
    let at = 0;
    return targets(program, build(program, () => inputs[at++]), mode);
  });
  step(leaves.map((s) => makeLeaf({ ...s, values: s.values.map(() => 1) })));
  return await Promise.all(step(leaves.map(makeLeaf)).map((t) => t.data()));
}

function compare(
  asked: readonly Tensor[],
  actual: readonly ArrayLike<number>[],
  expected: readonly Float64Array[],
  wobble: readonly Float64Array[],
): Outcome {
  let compared = 0, undecided = 0;
  for (const [k, want] of expected.entries()) {
    const finite = want.filter(Number.isFinite);
    const scale = Math.sqrt(finite.reduce((s, x) => s + x * x, 0) / Math.max(1, finite.length));
    for (let i = 0; i < want.length; i++) {
      const allowed = MARGIN * wobble[k][i] +
        (isFloat(asked[k].dtype) ? FLOOR * Math.max(scale, Math.abs(want[i]), 1e-3) : 0);
      if (!(allowed < 0.3 * Math.max(scale, 1e-2)) || !Number.isFinite(want[i])) {
        undecided++;
        continue;
      }
      compared++;
      const off = Math.abs(actual[k][i] - want[i]);
      if (off <= allowed) continue;
      return {
        compared,
        undecided,
        failure: `Output ${k} (${asked[k]}) is ${actual[k][i]} at ${i} of ${want.length}: expected ${
          want[i]
        }, to within ${allowed}`,
      };
    }
  }
  return { compared, undecided };
}
