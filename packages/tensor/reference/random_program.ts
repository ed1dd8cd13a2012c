/** Random programs: lists of steps that build tensors of tensors, so that a failing one can be made smaller. */
import { sizeOf } from "../shape.ts";
import type { Tensor } from "../tensor.ts";
import { Dice } from "./dice.ts";
import type { Draft, LeafStep, Program, Step } from "./program.ts";
import { OPERATIONS } from "./random_operations.ts";

/** Lengths that axes may have: odd, one, and now and then none. */
function randomShape(dice: Dice, empty: boolean): number[] {
  const shape = Array.from({ length: dice.roll(5) }, () => dice.pick([1, 2, 3, 4, 5, 6, 8]));
  while (sizeOf(shape) > 256) shape.pop();
  if (empty && shape.length > 0) shape[dice.roll(shape.length)] = 0;
  return shape;
}

/**
 * Draws a program.
 *
 * @param seed The same seed gives the same program.
 * @param length How many operations.
 * @param make Builds a leaf, to know shapes while drawing.
 */
export function randomProgram(seed: number, length: number, make: (step: LeafStep) => Tensor): Program {
  const dice = new Dice(seed);
  const steps: Step[] = [];
  const tensors: Tensor[] = [];
  const leaf: Draft["leaf"] = (shape, dtype = "f32", values) => {
    const random = () =>
      dtype === "bool" ? dice.roll(2) : dtype === "i32" ? dice.roll(9) - 4 : dice.roll(2000) / 1000 - 1;
    const step: LeafStep = {
      kind: "leaf",
      shape,
      dtype,
      values: values ?? Array.from({ length: sizeOf(shape) }, random),
    };
    tensors.push(make(step));
    return steps.push(step) - 1;
  };
  leaf(randomShape(dice, dice.roll(20) === 0), dice.pick(["f32", "f32", "f32", "f32", "f16", "bf16", "i32"] as const));
  const made: number[] = [0];
  for (let tries = 0; made.length <= length && tries < 20 * length; tries++) {
    // Late tensors more often: deep graphs, with readers at several depths
    const at = made[Math.max(dice.roll(made.length), dice.roll(made.length))];
    const operation = dice.pick(OPERATIONS)(at, { dice, tensors, leaf });
    if (!operation) continue;
    const tensor = operation.make(...operation.args.map((i) => tensors[i]));
    if (tensor.size > 4096) continue;
    tensors.push(tensor);
    made.push(steps.push({ kind: "operation", ...operation }) - 1);
  }
  const read = new Set(steps.flatMap((s) => s.kind === "operation" ? s.args : []));
  const ends = made.filter((i) => i > 0 && !read.has(i));
  return { steps, wanted: [...new Set([...ends, dice.pick(made)])] };
}

/** Builds a program's tensors. */
export function build({ steps }: Program, make: (step: LeafStep) => Tensor): Tensor[] {
  const tensors: Tensor[] = [];
  for (const step of steps) {
    tensors.push(step.kind === "leaf" ? make(step) : step.make(...step.args.map((i) => tensors[i])));
  }
  return tensors;
}

/** A program as code, without the steps that nothing wanted needs. */
export function print({ steps, wanted }: Program): string {
  const needed = new Set<number>(wanted);
  for (let i = steps.length - 1; i >= 0; i--) {
    const step = steps[i];
    if (needed.has(i) && step.kind === "operation") step.args.forEach((a) => needed.add(a));
  }
  return steps.flatMap((step, i) => {
    if (!needed.has(i)) return [];
    if (step.kind === "leaf") return [`t${i} = tensor([${step.values}], [${step.shape}], "${step.dtype}")`];
    return [`t${i} = ${step.text.replace(/\$(\d)/g, (_, k) => `t${step.args[k]}`)}`];
  }).concat(`wanted: ${wanted.map((i) => `t${i}`)}`).join("\n");
}
