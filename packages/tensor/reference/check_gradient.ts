/** Gradients of random programs against central differences, all in double precision and without a device. */
import { grad, type Tensor } from "../mod.ts";
import { makeLeaf } from "./check_program.ts";
import { evaluate } from "./interpreter.ts";
import { leafValues, nodesBelow } from "./leaves.ts";
import { build, print, randomProgram } from "./random_program.ts";

/** Distances of the differences; where they disagree, the program has a kink or a jump. */
const STEPS = [1e-4, 5e-5] as const;

/**
 * Differentiates a random program, once or twice, and compares a few elements.
 *
 * @returns The failure, or how many elements were compared.
 */
export function checkGradient(seed: number, length: number, order: 1 | 2): { failure?: string; compared: number } {
  const program = randomProgram(seed, length, makeLeaf);
  const tensors = build(program, makeLeaf);
  const ends = program.wanted.map((i) => tensors[i]).filter((t) => t.dtype === "f32" && t.size > 0);
  const leaf = tensors[0];
  if (ends.length === 0 || leaf.dtype !== "f32" || leaf.size === 0) return { compared: 0 };
  const total = (t: Tensor) => t.mul(t.add(0.3)).sum().reshape([]);
  const value = ends.map(total).reduce((a, b) => a.add(b));
  const loss = order === 1 ? value : grad(value, [leaf])[0].square().sum().reshape([]);
  const [gradient] = grad(loss, [leaf]);

  const given = leafValues([leaf, ...nodesBelow([loss, gradient])]);
  const [exact] = evaluate([gradient], { given });
  const at = (i: number, shift: number) => {
    const moved = Float64Array.from(given.get(leaf)!);
    moved[i] += shift;
    return evaluate([loss], { given: new Map(given).set(leaf, moved) })[0][0];
  };
  const scale = Math.sqrt(exact.reduce((s, x) => s + x * x, 0) / exact.length);
  let compared = 0;
  for (let i = 0; i < exact.length; i += Math.ceil(exact.length / 3)) {
    const [wide, narrow] = STEPS.map((h) => (at(i, h) - at(i, -h)) / (2 * h));
    const allowed = 1e-4 * Math.max(Math.abs(narrow), scale, 1e-3);
    if (!(Math.abs(wide - narrow) < allowed)) continue;
    compared++;
    if (Math.abs(exact[i] - narrow) <= 2 * allowed) continue;
    const failure = `Seed ${seed}, ${length} operations, derivative ${order}: ${exact[i]} at ${i}, expected ${narrow}`;
    return { compared, failure: `${failure}\n${print(program)}` };
  }
  return { compared };
}
