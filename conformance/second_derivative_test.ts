// Gradients are graphs, and may be differentiated: the product of every op's Hessian with a direction, against
// central differences of its gradient in double precision. Golden cases give the inputs.

import { assert } from "@std/assert";
import { checkpoint, grad, realize, type Tensor, tensor, vjp } from "@dipp/tensor";
import { evaluate } from "@dipp/tensor/reference/interpreter.ts";
import { leafValues, nodesBelow } from "@dipp/tensor/reference/leaves.ts";
import { assertClose, relativeError } from "@dipp/tensor/testing";
import { evaluateOp } from "./areas/ops.ts";
import type { GoldenCase } from "./golden_case.ts";
import { testdataCases } from "./test_area.ts";

/** Distances of the differences; where they disagree, the gradient jumps (at a tie, a bound) and proves nothing. */
const STEPS = [1e-4, 5e-5] as const;
/** Of differences in double precision, and of their two distances. */
const EXACT = 1e-5;
/** Of the product in f32, on the device. */
const DEVICE = 2e-4;
/** A second case of this many elements only takes longer. */
const LARGE = 150;
/** What f32 can not hold. */
const OVERFLOW = 3e38;

/** The leaves of a case, the gradient of a loss that is curved in all outputs, and its Hessian times a direction. */
interface Twice {
  readonly leaves: readonly Tensor[];
  readonly directions: readonly Float32Array[];
  readonly gradients: readonly Tensor[];
  readonly products: readonly Tensor[];
}

/** Numbers that repeat and avoid each other, of both signs. */
const wave = (size: number, phase: number) => Float32Array.from({ length: size }, (_, i) => Math.sin(phase + 1.7 * i));

function twice(leaves: readonly Tensor[], outputs: readonly Tensor[]): Twice {
  // sum(y^2 / 2 + c y): with the square, even a linear op is differentiated twice
  const cotangents = outputs.map((y, k) => y.add(tensor(wave(y.size, 1 + k), y.shape)));
  const gradients = vjp(outputs, cotangents, leaves);
  const directions = leaves.map((x, k) => wave(x.size, 5 + k));
  const along = gradients.map((g, k) => g.mul(tensor(directions[k], g.shape)).sum().reshape([]));
  const slope = along.reduce((a, b) => a.add(b));
  return { leaves, directions, gradients, products: vjp([slope], [tensor([1], [])], leaves) };
}

function twiceOf(one: GoldenCase): Twice {
  return twice(leavesOf(one).map((name) => one.input(name)), evaluateOp(one));
}

/** The gradient's change along the directions; undefined where it jumps. */
function difference({ leaves, directions, gradients }: Twice): Float64Array | undefined {
  const given = leafValues(nodesBelow(gradients));
  const at = (shift: number) => {
    const moved = new Map(given);
    leaves.forEach((x, k) => moved.set(x, Float64Array.from(given.get(x)!, (v, i) => v + shift * directions[k][i])));
    return joined(evaluate(gradients, { given: moved }));
  };
  const [wide, narrow] = STEPS.map((h) => {
    const behind = at(-h);
    return at(h).map((v, i) => (v - behind[i]) / (2 * h));
  });
  return relativeError(wide, narrow).max < EXACT ? narrow : undefined;
}

async function compare(what: string, { gradients, products }: Twice, expected: Float64Array): Promise<void> {
  const given = leafValues(nodesBelow([...gradients, ...products]));
  const exact = joined(evaluate(products, { given }));
  await realize(...products);
  const actual = joined(await Promise.all(products.map((p) => p.data())));
  for (
    const [values, bound, where] of [[exact, EXACT, "in double precision"], [actual, DEVICE, "on the device"]] as const
  ) {
    const { max, index } = relativeError(values, expected);
    assert(
      max <= bound,
      `${what} is off by ${max} ${where} at ${index}: ${values[index]}, expected ${expected[index]}`,
    );
  }
}

const joined = (parts: readonly ArrayLike<number>[]) => Float64Array.from(parts.flatMap((p) => Array.from(p)));

/** The names of what a case is differentiated with respect to. */
const leavesOf = (one: GoldenCase) =>
  [...one.outputs.keys()].filter((name) => name.startsWith("grad.")).map((name) => name.slice("grad.".length));

const sizeOf = (one: GoldenCase) =>
  [...Object.keys(one.field<object>("inputs")).map((name) => one.input(name)), ...evaluateOp(one)]
    .reduce((sum, { size }) => sum + size, 0);

const CASES = Map.groupBy(
  testdataCases("ops").map((ref) => ref.read()).filter((one) => leavesOf(one).length > 0),
  (one) => one.field<string>("op"),
);

Deno.test("the gradient of every op is differentiable", async (t) => {
  for (const [op, some] of CASES) {
    await t.step(op, async () => {
      const sized = some.map((one) => ({ one, size: sizeOf(one) })).sort((a, b) => a.size - b.size);
      let compared = 0;
      for (const { one, size } of sized) {
        if (compared >= 2 || compared > 0 && size > LARGE) break;
        const graphs = twiceOf(one);
        const expected = difference(graphs);
        if (!expected || expected.some((v) => Math.abs(v) > OVERFLOW)) continue;
        compared++;
        await compare(one.field("id"), graphs, expected);
      }
      assert(compared > 0, `${op} has no case without a jump`);
    });
  }
});

Deno.test("gradients are differentiable through checkpoint(), stored and recomputed alike", async () => {
  const leaves = [tensor(wave(6, 2), [2, 3]), tensor(wave(12, 3), [3, 4])];
  const layer = (x: Tensor, w: Tensor) => checkpoint((a, b) => a.matmul(b).tanh(), x, w).square();
  const graphs = twice(leaves, [layer(leaves[0], leaves[1])]);
  const expected = difference(graphs);
  assert(expected && expected.some((v) => Math.abs(v) > 0.1));
  await compare("checkpoint", graphs, expected);
});

Deno.test("a gradient penalty has the gradient of its closed form", async () => {
  // f = sum(w x^3), |df/dx|^2 = 9 w^2 x^4, and its derivative is 36 w^2 x^3
  const [x, w] = [tensor([1, -2, 0.5]), tensor([0.5, 1, -2])];
  const [slope] = grad(x.pow(3).mul(w).sum(), [x]);
  const [g] = grad(slope.square().sum(), [x]);
  assertClose(await g.data(), [9, -288, 18], 1e-6, "gradient of the penalty");
});
